// What the panel's pages are held to. Each exception has its reason.
"use strict";

module.exports = {
  root: true,
  extends: ["html-validate:recommended", "html-validate:standard", "html-validate:a11y"],
  rules: {
    // Titles hold the names of schools, and those are as long as they are.
    "long-title": "off",
    // The boxes of one list share a name: each that is ticked is sent.
    "form-dup-name": ["error", { shared: ["radio", "button", "reset", "submit", "checkbox"] }],
  },
};

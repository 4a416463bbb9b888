"""Files that staff send: on few pages only, of bounded size, and never on a disk."""

from io import BytesIO
from typing import IO, TypeVar

from flask import Flask, Request, current_app, request

from authbridge.tables import MOST_BYTES

_View = TypeVar("_View")

_ATTRIBUTE = "panel_takes_file"
_ROOM_FOR_THE_FORM = 64 * 1024  # bytes around the file


class PanelRequest(Request):
    """A request whose files stay in memory: passwords must not lie in a temporary file."""

    def _get_file_stream(self, *_sizes: object, **_names: object) -> IO[bytes]:
        return BytesIO()


def takes_file(view: _View) -> _View:
    """Lets a view take a table; all others take forms only."""
    setattr(view, _ATTRIBUTE, True)
    return view


def install(app: Flask) -> None:
    """Makes room for a file where one is expected, before anything reads the form."""
    app.request_class = PanelRequest

    @app.before_request
    def make_room() -> None:
        if is_for_file():
            request.max_content_length = MOST_BYTES + _ROOM_FOR_THE_FORM
            # Werkzeug holds its own buffer to it as well, which is as large as one piece of a file.
            request.max_form_memory_size = request.max_content_length


def is_for_file() -> bool:
    """Tells whether the view of this request takes a file."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), _ATTRIBUTE)

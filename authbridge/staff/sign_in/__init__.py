"""Signs staff in: password, then one-time code; or for the first time with an invitation.

The login policy of organisers holds here too, with names and networks of the panel's own.
"""

from authbridge.staff.sign_in.codes import confirm_code, confirm_passkey, device_token, verify_invitation
from authbridge.staff.sign_in.factors import PasskeyAnswer
from authbridge.staff.sign_in.passwords import confirm_password, sign_in
from authbridge.staff.sign_in.services import Caller, Outcome, SignInServices, sign_in_services_of

__all__ = [
    "Caller",
    "Outcome",
    "PasskeyAnswer",
    "SignInServices",
    "confirm_code",
    "confirm_passkey",
    "confirm_password",
    "device_token",
    "sign_in",
    "sign_in_services_of",
    "verify_invitation",
]

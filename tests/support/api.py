"""Our API as the service has it, without a server around it."""

from authbridge.api import Api
from authbridge.login.authenticate import LoginServices
from authbridge.metrics import SinceBoot
from authbridge.page_tokens.tokens import Tokens
from tests.support.factories import HOST, SECRET_KEY

TOKEN = "tok3n" * 8
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


def make_tokens(secret_key: bytes = SECRET_KEY, *, api_token: str = TOKEN, host: str = HOST) -> Tokens:
    """Returns the tokens of a login page."""
    return Tokens(secret_key, api_token=api_token, host=host)


def make_api(services: LoginServices, **since_boot: SinceBoot) -> Api:
    """Returns the application, configured as by an operator."""
    return Api(services, make_tokens(), token=TOKEN, **since_boot)

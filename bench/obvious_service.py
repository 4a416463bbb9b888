"""The obvious auth service, for comparison: Flask, a user looked up with SQLAlchemy's ORM, bcrypt."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import bcrypt
from flask import Flask, request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

DATABASE = "BENCH_OBVIOUS_DATABASE"  # the variable that names the SQLite file


class _Base(DeclarativeBase):
    pass


class _User(_Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]


def create_users(file: Path, crowds: Mapping[int, Sequence[str]], password: str) -> None:
    """The SQLite file with the users of each bcrypt cost; they share the password, and a hash a cost."""
    engine = create_engine(f"sqlite:///{file}")
    _Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        for cost, names in crowds.items():
            stored = bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()
            session.add_all(_User(username=name, password_hash=stored) for name in names)
    engine.dispose()


def create_app() -> Flask:
    """What gunicorn serves."""
    engine = create_engine(f"sqlite:///{os.environ[DATABASE]}")
    app = Flask(__name__)

    @app.get("/")
    def healthz() -> str:
        return "ok"

    @app.post("/login")
    def login() -> tuple[str, int]:
        fields = request.get_json()
        with Session(engine) as session:
            user = session.scalar(select(_User).where(_User.username == fields["username"]))
        if user is None or not bcrypt.checkpw(fields["password"].encode(), user.password_hash.encode()):
            return "", 401
        return "", 200

    return app

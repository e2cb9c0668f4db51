"""`token`: tokens that let in who has one."""

from typing import Annotated

import typer

from server.auth import InvalidTokens
from server.cli.terminal import OutputFailed, TokensFile, failed, tokens_path
from server.tokens import Tokens


def show_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def add(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    publish: Annotated[list[str] | None, typer.Option(help="A topic to publish to; * for any characters.")] = None,
    subscribe: Annotated[list[str] | None, typer.Option(help="A topic to subscribe to; * for any characters.")] = None,
    tokens: TokensFile = None,
) -> None:
    """Make a token and print it, once.  Without --publish and --subscribe it may do both with every topic."""
    if not publish and not subscribe:
        publish = subscribe = ["*"]
    kept = Tokens(tokens or tokens_path())
    try:
        token = kept.add(name, tuple(publish or ()), tuple(subscribe or ()))
        try:
            print(token, flush=True)
        except OutputFailed as error:
            kept.revoke(name)  # what nobody has seen, nobody can use
            raise failed(f"{error}; the token was taken back, so add it again once it can be printed") from error
    except InvalidTokens as error:
        raise failed(str(error)) from error


def list_(tokens: TokensFile = None) -> None:
    """Print the name of each token and what it may do."""
    try:
        for grant in Tokens(tokens or tokens_path()).grants():
            rights = (("publish", grant.publish), ("subscribe", grant.subscribe))
            print(grant.name, *(f"{right} {' '.join(topics)}" for right, topics in rights if topics), sep="\t")
    except InvalidTokens as error:
        raise failed(str(error)) from error


def revoke(name: Annotated[str, typer.Argument(help="As it was added.")], tokens: TokensFile = None) -> None:
    """Let a token count no more, from the next request on."""
    try:
        Tokens(tokens or tokens_path()).revoke(name)
    except InvalidTokens as error:
        raise failed(str(error)) from error

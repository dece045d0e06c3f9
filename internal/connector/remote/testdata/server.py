"""An MCP server of the official Python library, for tests.

    server.py stateful|stateless|json TOKEN

It prints its port, speaks plain HTTP on loopback, and wants the header
Authorization to be TOKEN.
"""
import asyncio
import logging
import socket
import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel

mode, token = sys.argv[1], sys.argv[2]
logging.disable(logging.WARNING)
server = MCPServer("Shop")


class Item(BaseModel):
    """What is sold."""

    name: str
    price: float


class Order(BaseModel):
    items: list[Item]
    gift: bool = False


class Receipt(BaseModel):
    number: int
    total: float


@server.tool(title="Look up an item", annotations=ToolAnnotations(readOnlyHint=True))
def look_up(name: str) -> Item:
    """Finds an item by its name."""
    if name == "none":
        raise ToolError("there is no such item")
    return Item(name=name, price=2.5)


@server.tool(annotations=ToolAnnotations(readOnlyHint=False, destructiveHint=True))
def order(order: Order) -> Receipt:
    """Orders items."""
    return Receipt(number=7, total=sum(i.price for i in order.items))


@server.tool(structured_output=False)
def say(text: str) -> str:
    """Says it."""
    return text


@server.tool(structured_output=False)
def picture() -> list:
    """Gives a picture and a text."""
    return ["a dot", Image(data=b"\x89PNG\r\n\x1a\n", format="png")]


@server.tool(structured_output=False)
async def slow(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool(structured_output=False)
def huge(size: int) -> str:
    """Gives a long text."""
    return "x" * size


@server.tool(structured_output=False)
async def ask_model(ctx: Context) -> str:
    """Asks the client for a model."""
    try:
        await ctx.session.create_message(messages=[], max_tokens=5, related_request_id=ctx.request_id)
    except Exception as e:
        return "refused: " + type(e).__name__
    return "answered"


@server.tool(structured_output=False)
async def ask_person(ctx: Context) -> str:
    """Asks the person."""

    class Answer(BaseModel):
        yes: bool

    try:
        await ctx.elicit("Sure?", schema=Answer)
    except Exception as e:
        return "refused: " + type(e).__name__
    return "answered"


app = server.streamable_http_app(json_response=mode == "json", stateless_http=mode == "stateless")


async def guarded(scope, receive, send):
    if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization", b"").decode() != token:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"error":"invalid_token","error_description":"who are you?"}'})
        return
    await app(scope, receive, send)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print("port", listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(guarded, log_level="error")).run(sockets=[listener])

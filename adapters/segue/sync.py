"""The client for programs that do not use asyncio: the names of `segue`, and each call waits.

with segue.sync.connect("http://127.0.0.1:8080/v1", context={"model": "scripted"}) as session:
    chat = session.conversation()
    print(chat.turn("Remember this word: lantern.").text())
"""

from segue_adapters.sync import Answer, Conversation, Session, Turn, connect

__all__ = ["Answer", "Conversation", "Session", "Turn", "connect"]

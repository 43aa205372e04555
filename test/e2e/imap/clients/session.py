"""A session of Python's imaplib: reads its orders from standard input as JSON, and fetches the INBOX into files."""

import imaplib
import json
import os
import ssl
import sys

orders = json.load(sys.stdin)
context = ssl.create_default_context(cafile=orders["ca"])
if orders["tls"] == "implicit":
    imap = imaplib.IMAP4_SSL(orders["host"], orders["port"], ssl_context=context)
else:
    imap = imaplib.IMAP4(orders["host"], orders["port"])
if orders["tls"] == "starttls":
    imap.starttls(context)


def expect(answer):
    status, data = answer
    if status != "OK":
        raise SystemExit(f"{status}: {data}")
    return data


expect(imap.authenticate("PLAIN", lambda _: f"\0{orders['user']}\0{orders['password']}".encode()))
print(imap.capabilities)
expect(imap.select("INBOX"))
[found] = expect(imap.uid("SEARCH", None, "ALL"))
for uid in found.decode().split():
    [(_, message), _] = expect(imap.uid("FETCH", uid, "(BODY.PEEK[])"))
    with open(os.path.join(orders["folder"], f"{int(uid):06}.eml"), "wb") as file:
        file.write(message)
expect(imap.store("1", "+FLAGS", "(\\Flagged)"))
expect(imap.create("imaplib"))
expect(imap.copy("1:2", "imaplib"))
expect(imap.append("imaplib", "(\\Seen)", None, b"Subject: from imaplib\r\n\r\nbody\r\n"))
expect(imap.thread("REFERENCES", "UTF-8", "ALL"))
expect(imap.sort("(REVERSE DATE)", "UTF-8", "ALL"))
[data] = expect(imap.status("imaplib", "(MESSAGES UNSEEN)"))
if b"MESSAGES 3" not in data:
    raise SystemExit(data)
expect(imap.delete("imaplib"))
expect(imap.close())
imap.logout()

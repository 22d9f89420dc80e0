#!/usr/bin/env python3
"""Makes webhook-signatures.json: an implementation of FreshBooks' signature that shares no code with ours.

The signature is standard base64 of HMAC-SHA256. Its key is the callback's verifier; its message is what Python's
`json.dumps` prints for the decoded pairs of the form, in the order of arrival, every value a string. All keys, ids
and bodies are invented here. Run it without arguments; it writes the file beside it.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import urllib.parse

ACCOUNT = "mLcV3c"
KEY = "Vq8sT2nHx5LbR7wKz4YdM9cGfJ3pAe6Ut"
OTHER_KEY = "hN4eXk2ZrW8bQy6SvD3mTc9FjPa7LgU5o"
BODY_BYTES_MAX = 8 * 1024

TRUSTED = [{"id": "3141", "verifier": KEY}]
CANDIDATE = [{"id": "3141", "verifier": None}]


def pairs_of(body):
    return urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True, encoding="utf-8", errors="strict")


def message_of(body):
    return json.dumps(dict(pairs_of(body)))


def digest(message, key):
    return hmac.new(key.encode(), message.encode(), hashlib.sha256)


def sign(message, key):
    return base64.b64encode(digest(message, key).digest()).decode()


def notice(kind, id, event):
    return {"ok": {"notice": {"object": {"system": "freshbooks", "kind": kind, "id": id}, "event": event}}}


def handshake(id, verifier):
    return {"ok": {"handshake": {"callback-id": id, "verifier": verifier}}}


def unreadable(code):
    return {"ok": {"unreadable": {"code": code}}}


def refused(code, status=401):
    return {"err": {"code": code, "status": status}}


def vector(name, body, expect, key=KEY, callbacks=TRUSTED, registering=False, signature=None, message=None):
    """One vector. `message` is what was signed, null where the signature is not made of one."""
    if signature is None:
        message = message_of(body) if message is None else message
        signature = sign(message, key)
    return {
        "name": name,
        "body": body,
        "signature": signature,
        "message": message,
        "receiver": {"account-id": ACCOUNT, "callbacks": callbacks, "registering": registering},
        "expect": expect,
    }


def form(event, id, rest="&business_id=2718281&identity_id=161803&user_id=1", account=ACCOUNT):
    return f"name={event}&object_id={id}&account_id={account}{rest}"


def padded_to(length):
    head = form("invoice.update", "90210") + "&padding="
    return head + "x" * (length - len(head))


def vectors():
    plain = form("invoice.update", "90210")
    verify = form("callback.verify", "3141") + f"&verifier={KEY}"
    fresh = form("callback.verify", "3141") + f"&verifier={OTHER_KEY}"
    moved = f"user_id=1&account_id={ACCOUNT}&name=bill.create&object_id=57"
    awkward = "&identity_id=%22q%22%5Cz%2F%3C%3E%26%27&user_id=a+b%2Bc%3A+d%2C+e%7F%09%0D%0A"
    wide = "&identity_id=Caf%C3%A9+%E2%82%AC&user_id=%F0%9F%98%80%C2%80"
    return [
        vector("plain", plain, notice("invoice", "90210", "invoice.update")),
        vector("kind with an underscore", form("bill_vendor.create", "8"), notice("bill-vendor", "8", "bill_vendor.create")),
        vector("unicode, beyond the basic plane too", form("client.update", "41", wide), notice("client", "41", "client.update")),
        vector("characters that JSON libraries escape differently", form("bill.update", "57", awkward), notice("bill", "57", "bill.update")),
        vector("empty value", form("bill.create", "57", "&identity_id=&user_id=1"), notice("bill", "57", "bill.create")),
        vector("escapes are decoded once", form("invoice.create", "%39%30", "&user_id=%2541%252B%2B"), notice("invoice", "90", "invoice.create")),
        vector("pairs in another order", moved, notice("bill", "57", "bill.create")),
        vector("any trusted key will do", plain, notice("invoice", "90210", "invoice.update"), key=OTHER_KEY,
               callbacks=TRUSTED + [{"id": "3142", "verifier": OTHER_KEY}]),
        vector("8 KiB", padded_to(BODY_BYTES_MAX), notice("invoice", "90210", "invoice.update")),
        vector("more than 8 KiB", padded_to(BODY_BYTES_MAX + 1), refused("too-long", 413)),
        vector("handshake of a listed candidate", verify, handshake("3141", KEY), callbacks=CANDIDATE),
        vector("handshake that comes before its id is known", verify, handshake("3141", KEY), callbacks=[], registering=True),
        vector("handshake that nobody asked for", verify, refused("unknown-callback"), callbacks=[]),
        vector("handshake signed with another key than it brings", verify, refused("signature"), key=OTHER_KEY, callbacks=CANDIDATE),
        vector("new verifier for a trusted callback, signed with the trusted key", fresh, unreadable("verifier-for-active")),
        vector("new verifier for a trusted callback, signed with itself", fresh, refused("signature"), key=OTHER_KEY),
        vector("the same while a registration is checked", fresh, handshake("3141", OTHER_KEY), key=OTHER_KEY, registering=True),
        vector("another account", form("bill.create", "57", account="other"), unreadable("other-account")),
        vector("event that is none", form("Invoice.Create", "57"), unreadable("unknown-event")),
        vector("object without an id", form("bill.create", ""), unreadable("field-missing")),
        vector("another key", plain, refused("signature"), key=OTHER_KEY),
        vector("a candidate is no key", plain, refused("signature"), callbacks=CANDIDATE),
        vector("wrong: signed in the order of the alphabet", plain, refused("signature"),
               message=json.dumps(dict(pairs_of(plain)), sort_keys=True)),
        vector("wrong: compact JSON", plain, refused("signature"), message=json.dumps(dict(pairs_of(plain)), separators=(",", ":"))),
        vector("wrong: unescaped unicode", form("client.update", "41", wide), refused("signature"),
               message=json.dumps(dict(pairs_of(form("client.update", "41", wide))), ensure_ascii=False)),
        vector("wrong: the raw body was signed", plain, refused("signature"), message=plain),
        vector("wrong: hexadecimal", plain, refused("signature"), signature=digest(message_of(plain), KEY).hexdigest()),
        vector("wrong: base64 without padding", plain, refused("signature"), signature=sign(message_of(plain), KEY).rstrip("=")),
        vector("wrong: the body was changed after signing", form("invoice.update", "90211"), refused("signature"), message=message_of(plain)),
        vector("key twice", plain + "&user_id=2", refused("ambiguous-form")),
        vector("broken escape", plain + "&x=%4", refused("ambiguous-form"), message="{}"),
    ]


def main():
    document = {"format": "ml-connector-webhook-signatures", "format-version": 1, "vectors": vectors()}
    path = pathlib.Path(__file__).with_name("webhook-signatures.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()

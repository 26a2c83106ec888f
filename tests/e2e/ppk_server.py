"""Two key management entities of one quantum link in one process, as ETSI GS QKD 014 describes their API: each host asks the one
beside it, over TLS with certificates on both sides. Arguments: address, port, certificate, key, CA."""

import base64
import http.server
import json
import secrets
import ssl
import sys
import threading
import urllib.parse
import uuid

_keys: dict[str, str] = {}
_lock = threading.Lock()


def _new_key(bits: int) -> dict:
    key_id, key = str(uuid.uuid4()), base64.b64encode(secrets.token_bytes(bits // 8)).decode()
    with _lock:
        _keys[key_id] = key
    return {"key_ID": key_id, "key": key}


class Entity(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        what = url.path.rsplit("/", 1)[-1]
        if what == "enc_keys":
            self._answer(200, {"keys": [_new_key(int(query["size"][0]))]})
        elif what == "dec_keys":
            key_id = query["key_ID"][0]
            with _lock:
                key = _keys.pop(key_id, None)
            if key is None:
                self._answer(400, {"message": "no such key"})
            else:
                self._answer(200, {"keys": [{"key_ID": key_id, "key": key}]})
        else:
            self._answer(404, {"message": "no such method"})

    def _answer(self, status: int, content: dict):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(address: str, port: str, certificate: str, key: str, authority: str):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer((address, int(port)), Entity)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("serving keys", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

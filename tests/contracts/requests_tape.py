"""A plugin for pytest: writes down every exchange that goes through `requests`, one a line, into the file that
TAPE names."""

import json
import os

import requests

_send = requests.Session.send


def send(self, request, **settings):
    answer = _send(self, request, **settings)
    try:
        line = [request.method, request.url, answer.status_code, dict(answer.headers), answer.json()]
    except ValueError:
        return answer
    with open(os.environ["TAPE"], "a") as tape:
        tape.write(json.dumps(line) + "\n")
    return answer


requests.Session.send = send

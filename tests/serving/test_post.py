"""Post: one request, to the address that was checked, within a deadline, and no step further."""

import socket
import threading
import time
from ipaddress import ip_address

from serving.destinations import Allowed, Guard, lookup
from serving.post import Post

from .receivers import a_receiver, statuses

LOOPBACK = Guard(Allowed.of("127.0.0.1"))


def test_a_body_arrives_as_it_is_with_its_headers():
    with a_receiver() as receiver:
        said = Post(LOOPBACK)(receiver.url + "?a=%20b", {"webhook-id": "evt_1"}, b'{"a":1}')

    ((headers, body),) = receiver.requests
    assert said.good
    assert (body, headers["webhook-id"]) == (b'{"a":1}', "evt_1")
    assert headers["host"] == receiver.url.split("/")[2]


def test_a_redirect_is_not_followed():
    with a_receiver() as elsewhere:

        def moved(request, _before):
            request.send_response(307)
            request.send_header("Location", elsewhere.url)
            request.send_header("Content-Length", "0")
            request.end_headers()

        with a_receiver(moved) as receiver:
            said = Post(LOOPBACK)(receiver.url, {}, b"{}")

    assert (said.good, said.words) == (False, "answered 307")
    assert elsewhere.requests == []


def test_a_name_that_changes_its_mind_after_the_check_is_not_connected_to():
    """DNS rebinding: public when the subscription was checked, loopback when it is sent."""
    answers = iter(["8.8.8.8", "127.0.0.1"])
    guard = Guard(resolve=lambda _host, _port: [ip_address(next(answers))])

    with a_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "crm.example")
        guard.check(url)
        said = Post(guard)(url, {}, b"{}")

    assert said.words == "private_address"
    assert receiver.requests == []


def test_the_checked_address_is_the_one_connected_to():
    """A second look-up of the name would fail: nobody knows it."""
    guard = Guard(Allowed.of("127.0.0.1"), lambda _host, _port: [ip_address("127.0.0.1")])

    with a_receiver() as receiver:
        said = Post(guard)(receiver.url.replace("127.0.0.1", "crm.invalid"), {}, b"{}")

    assert lookup("crm.invalid", 80) == []
    assert said.good
    assert receiver.requests[0][0]["host"].startswith("crm.invalid:")


def test_who_is_not_there_or_says_nothing_sensible_is_told_in_a_word():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{nobody.getsockname()[1]}/secret-path"
        said = Post(LOOPBACK)(nowhere, {}, b"{}")

    def talks_nonsense(request, _before):
        request.wfile.write(b"nonsense\r\n\r\n")

    with a_receiver(talks_nonsense) as receiver:
        odd = Post(LOOPBACK)(receiver.url, {}, b"{}")

    assert (said.good, said.words) == (False, "ConnectError")
    assert (odd.good, odd.words) == (False, "RemoteProtocolError")


def test_plain_text_on_a_secure_port_is_no_delivery():
    with a_receiver() as receiver:
        said = Post(LOOPBACK)(receiver.url.replace("http", "https"), {}, b"{}")

    assert (said.good, receiver.requests) == (False, [])


def test_an_answer_drop_by_drop_ends_at_the_deadline():
    stop = threading.Event()

    def drips(request, _before):
        while not stop.wait(0.05):
            try:
                request.wfile.write(b"H")
                request.wfile.flush()
            except OSError:
                return

    with a_receiver(drips) as receiver:
        began = time.monotonic()
        said = Post(LOOPBACK, deadline_s=0.4)(receiver.url, {}, b"{}")
        took = time.monotonic() - began
        stop.set()

    assert not said.good
    assert took < 3


def test_who_says_nothing_is_given_up_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = Post(LOOPBACK, deadline_s=0.2)(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")

    assert said.words == "ReadTimeout"


def test_the_next_address_is_tried_where_one_does_not_answer():
    guard = Guard(
        Allowed.of("127.0.0.0/8"), lambda _host, _port: list(map(ip_address, ("127.0.0.9", "127.0.0.1")))
    )

    with a_receiver() as receiver:
        said = Post(guard)(receiver.url.replace("127.0.0.1", "crm.example"), {}, b"{}")

    assert said.good


def test_a_status_is_all_that_is_read_of_an_answer():
    with a_receiver(statuses(500)) as receiver:
        said = Post(LOOPBACK)(receiver.url, {}, b"{}")

    assert (said.good, said.words) == (False, "answered 500")

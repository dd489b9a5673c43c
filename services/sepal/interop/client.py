"""Calls a server of Sepal with grpcio, as a program does that has no generated code.

Usage: client.py ADDRESS [CA]
Ends with 0 if all came out as it should.
"""
import queue
import struct
import sys
import time

import grpc

SERVICE = "/sepal.prediction.v1.PredictionService/"
ROW = (5.1, 3.5, 1.4, 0.2)


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    """A field of a length of its own."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def features(values):
    """features, of PredictRequest and of Row."""
    return field(1, struct.pack("<%dd" % len(values), *values))


def fields(message):
    """The fields of a message, by their numbers; those of fixed sizes as bytes."""
    found, i = {}, 0

    def number():
        nonlocal i
        n = shift = 0
        while True:
            byte = message[i]
            i += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while i < len(message):
        tag = number()
        kind = tag & 7
        if kind == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size = number()
            value = message[i : i + size]
            i += size
        found.setdefault(tag >> 3, []).append(value)
    return found


def prediction(message):
    return fields(message)[1][0].decode()


def expect(got, want):
    if got != want:
        raise AssertionError("got %r, expected %r" % (got, want))


def failure(call, code):
    """The error that a call ends with, which must be of that code."""
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code(), code)
        return error
    raise AssertionError("there is no error, expected %s" % code)


def unary(channel):
    predict = channel.unary_unary(SERVICE + "Predict", request_serializer=features, response_deserializer=prediction)
    for _ in range(300):
        expect(predict(ROW, timeout=100), "setosa")
    answer, call = predict.with_call(ROW, timeout=100, metadata=(("x-request-id", "of-python"), ("some-bin", b"\x00\xff")))
    expect(answer, "setosa")
    expect(dict(call.initial_metadata()).get("x-request-id"), "of-python")
    expect(predict(ROW, timeout=100, compression=grpc.Compression.Gzip), "setosa")
    answers = [predict.future(ROW, timeout=100) for _ in range(300)]
    expect({answer.result() for answer in answers}, {"setosa"})
    error = failure(lambda: predict((1.0,), timeout=100), grpc.StatusCode.INVALID_ARGUMENT)
    assert "features" in error.details(), error.details()
    assert dict(error.trailing_metadata()).get("grpc-status-details-bin"), error.trailing_metadata()
    failure(lambda: channel.unary_unary(SERVICE + "Divine")(b"", timeout=100), grpc.StatusCode.UNIMPLEMENTED)


def large(channel):
    batch = b"".join(field(1, features(ROW)) for _ in range(10_000)) + b"\x38\x01"  # top_k
    predict = channel.unary_unary(SERVICE + "BatchPredict")
    expect(len(fields(predict(batch, timeout=100))[1]), 10_000)
    failure(lambda: predict(bytes(5 << 20), timeout=100), grpc.StatusCode.RESOURCE_EXHAUSTED)
    chunks = channel.unary_stream(SERVICE + "BatchPredictStream")
    rows = sum(len(fields(fields(chunk)[2][0])[1]) for chunk in chunks(field(1, batch) + b"\x10\x01", timeout=100))
    expect(rows, 10_000)


class Conversation:
    """A stream in both directions."""

    def __init__(self, channel, timeout=None):
        self.messages = queue.Queue()
        stream = channel.stream_stream(SERVICE + "PredictStream")
        self.call = stream(iter(self.messages.get, None), timeout=timeout)

    def ask(self):
        self.messages.put(field(1, features(ROW)))
        expect(prediction(fields(next(self.call))[1][0]), "setosa")

    def end(self):
        self.messages.put(None)


def streams(channel):
    talk = Conversation(channel)
    for _ in range(300):
        talk.ask()
    talk.end()
    expect(list(talk.call), [])
    expect(talk.call.code(), grpc.StatusCode.OK)


def deadline(channel):
    talk = Conversation(channel, timeout=0.5)
    failure(lambda: next(talk.call), grpc.StatusCode.DEADLINE_EXCEEDED)
    talk.end()


def cancellation(channel):
    talk = Conversation(channel)
    talk.ask()
    talk.call.cancel()
    failure(lambda: next(talk.call), grpc.StatusCode.CANCELLED)
    talk.end()


def quiet(channel):
    """A stream on which nothing is said for a while, but for many pings."""
    talk = Conversation(channel)
    talk.ask()
    time.sleep(1)
    talk.ask()
    talk.end()
    expect(list(talk.call), [])


def main():
    address = sys.argv[1]
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.keepalive_time_ms", 10),
        ("grpc.keepalive_timeout_ms", 60_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_time_between_pings_ms", 10),
        ("grpc.enable_retries", 0),
    ]
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as ca:
            credentials = grpc.ssl_channel_credentials(ca.read())
        channel = grpc.secure_channel(address, credentials, options)
    else:
        channel = grpc.insecure_channel(address, options)
    states = []
    channel.subscribe(states.append)
    with channel:
        grpc.channel_ready_future(channel).result(timeout=100)
        for does in (unary, large, streams, deadline, cancellation, quiet, unary):
            try:
                does(channel)
            except BaseException as error:
                raise AssertionError("%s: %s" % (does.__name__, error)) from error
        lost = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)
        expect([state for state in states if state in lost], [])
        expect(states.count(grpc.ChannelConnectivity.READY), 1)


if __name__ == "__main__":
    main()

"""A gRPC client with an xds:/// target, as anybody would write it. Reads how many calls to make, a number a line; says who answered how often, a JSON map a line."""
import json
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1])
say = channel.unary_unary("/echo/Say")

for line in sys.stdin:
    counts = {}
    for _ in range(int(line)):
        try:
            who = say(b"hello", timeout=10).decode()
        except grpc.RpcError as error:
            who = f"{error.code().name}: {error.details()}"
        counts[who] = counts.get(who, 0) + 1
    print(json.dumps(counts), flush=True)

# SPDX-License-Identifier: MIT
"""A network of two namespaces, of which this process is the cable: packets are
lost, doubled, delayed and overtake each other, and connections are reset. (What
netem does and more, and where that is missing as well.)"""
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

from bridges import Skip

NEAR, FAR = "10.199.0.1", "10.199.0.2"

# Runs in a namespace: makes the end of the cable, and hands it out.
MAKE_END = """
import fcntl, os, socket, struct, subprocess, sys
here, there, out = sys.argv[1], sys.argv[2], socket.socket(fileno=int(sys.argv[3]))
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"cable", 0x1001))
for words in (f"addr add {here} peer {there} dev cable",
              "link set cable mtu 9000 up", "link set lo up"):
    subprocess.run(["ip", *words.split()], check=True)
socket.send_fds(out, [b"x"], [tun])
"""


def checksum(data):
    """Of the Internet, RFC 1071."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def reset_for(packet):
    """What tells who sent this packet of TCP over IPv4 that the other end knows
    nothing of the connection; None: it is no such packet."""
    if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
        return None
    tcp = (packet[0] & 15) * 4
    source, target, _, acknowledged = struct.unpack_from(">HHII", packet, tcp)
    flags = packet[tcp + 13]
    if flags & 0x06 or not flags & 0x10:  # SYN, RST; ACK
        return None
    addresses = packet[16:20] + packet[12:16]
    # With the number that is due there, so that it is believed (RFC 5961).
    segment = bytearray(struct.pack(">HHIIBBHHH", target, source, acknowledged,
                                    0, 5 << 4, 0x04, 0, 0, 0))
    pseudo = addresses + struct.pack(">BBH", 0, socket.IPPROTO_TCP,
                                     len(segment))
    struct.pack_into(">H", segment, 16, checksum(pseudo + segment))
    head = bytearray(struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0,
                                 64, socket.IPPROTO_TCP, 0) + addresses)
    struct.pack_into(">H", head, 10, checksum(head))
    return bytes(head + segment)


class Namespace:
    def __init__(self, here, there):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if self.holder.stdout.readline() != b"ready\n":
            self.close()
            raise Skip("namespaces are not permitted here")
        self.prefix = ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net")
        ours, theirs = socket.socketpair()
        done = subprocess.run(
            [*self.prefix, sys.executable, "-c", MAKE_END, here, there,
             str(theirs.fileno())], pass_fds=[theirs.fileno()],
            capture_output=True, timeout=60, check=False)
        theirs.close()
        if done.returncode != 0:
            ours.close()
            self.close()
            raise Skip("no device can be made in a namespace: "
                       + done.stderr.decode().strip().rsplit("\n", 1)[-1])
        with ours:
            self.end = socket.recv_fds(ours, 1, 1)[1][0]
        os.set_blocking(self.end, False)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class BadNet:
    def __init__(self, loss=0.0, double=0.0, delay=0.0, jitter=0.0):
        for program in "unshare", "nsenter", "ip":
            if not shutil.which(program):
                raise Skip(f"there is no {program}")
        self.loss, self.double = loss, double
        self.delay, self.jitter = delay, jitter
        self.is_cut = False
        self.passed = self.lost = self.resets = self.resets_due = 0
        self.near = Namespace(NEAR, FAR)
        try:
            self.far = Namespace(FAR, NEAR)
        except Skip:
            self.near.close()
            raise
        self.ends = False
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def reset(self):
        """The connection of the next packet is reset, for who sent that: the
        other end learns it when it sends something."""
        self.resets_due += 1

    def inject(self, source, packet):
        answer = reset_for(packet)
        if answer:
            os.write(source, answer)
            self.resets_due -= 1
            self.resets += 1

    def take(self, source, target, due):
        try:
            while True:
                packet = os.read(source, 1 << 16)
                if self.resets_due:
                    self.inject(source, packet)
                if self.is_cut or random.random() < self.loss:
                    self.lost += 1
                    continue
                for _ in range(1 + (random.random() < self.double)):
                    at = time.monotonic() + self.delay + \
                        random.random() * self.jitter
                    heapq.heappush(due, (at, self.passed, target, packet))
                    self.passed += 1
        except BlockingIOError:
            pass

    def carry(self):
        near, far, due = self.near.end, self.far.end, []
        while not self.ends:
            wait = min(0.1, max(0, due[0][0] - time.monotonic())) if due else .1
            ready, _, _ = select.select([near, far], [], [], wait)
            for source in ready:
                self.take(source, far if source == near else near, due)
            while due and due[0][0] <= time.monotonic():
                _, _, target, packet = heapq.heappop(due)
                try:
                    os.write(target, packet)
                except OSError:
                    self.lost += 1

    def close(self):
        self.ends = True
        self.thread.join()
        for side in self.near, self.far:
            os.close(side.end)
            side.close()

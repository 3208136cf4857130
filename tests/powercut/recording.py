"""One operation on a device, recorded: the disk before it, what the guest wrote, and what every power cut must leave.

What must hold comes from the disk before and from what the guest said on the way, by marks (writelog.py):

    mark up NAME                   the real init runs: the try was counted
    mark saved FILE TEXT           a file in the root was written and flushed
    mark there FILE.stack          the command that brings this stack has ended
    mark confirmed FILE.stack      the command that confirms it has ended
"""
import facts
from states import Part
from writelog import SECTOR, mark_of, partitions, read

KINDS = ("layers", "record", "state")


class Recording:
    def __init__(self, base, log):
        self.base = base
        self.entries = read(log)
        with open(base, "rb") as disk:
            self.table = {kind: partitions(disk)[f"plyboot-{kind}"] for kind in KINDS}
        self.parts = {kind: Part(self.entries, *self.table[kind]) for kind in KINDS}
        self.marks = [(index, words) for index, entry in enumerate(self.entries) if (words := mark_of(entry))]
        known = {index for part in self.parts.values() for index in part.indices} | {index for index, _ in self.marks}
        for index, entry in enumerate(self.entries):
            if entry.data is not None and index not in known:
                raise ValueError(f"write {index} to sector {entry.sector} is in no partition")
        self.records = self._records()
        # ext4's superblocks: 1024 bytes, 1024 bytes into their partitions. Torn in two they must do: the kernel reads them
        # before it looks at the journal.
        self.superblocks = [self.table[kind][0] + 2 for kind in ("layers", "state")]

    def slice(self, kind):
        """A partition before the operation."""
        first, sectors = self.table[kind]
        with open(self.base, "rb") as disk:
            disk.seek(first * SECTOR)
            return disk.read(sectors * SECTOR)

    def content(self, kind, key):
        """A partition in the states with this key, whole and in memory."""
        content = bytearray(self.slice(kind))
        for pieces in (self.parts[kind].pieces(0, key[0]), self.parts[kind].rest(key)):
            for at, data in pieces:
                content[at:at + len(data)] = data
        return content

    def _records(self):
        """What the record says after each write to it: (the write's index, record)."""
        part, found = self.parts["record"], []
        for count, index in enumerate(part.indices):
            found.append((index, facts.record(self.content("record", (count + 1, ())))))
        return found

    def said(self, cut, word):
        """What the guest had said by then."""
        return [words[1:] for index, words in self.marks if index < cut and words[0] == word]

    def least_sequence(self, cut):
        """A record that was written counts from its flush on, and must from the first thing on that the device did
        after it: a write elsewhere, or a mark."""
        least = facts.record(self.slice("record")).sequence
        for index, record in self.records:
            after = [i for i in range(index + 1, cut) if i not in self.parts["record"].indices]
            if after and record:
                least = max(least, record.sequence)
        return least

    # --- judging

    def judge(self, cut, found):
        """What is wrong with a state: `found` has facts of the three partitions."""
        before = facts.record(self.slice("record"))
        yield from self._judge_layers(cut, found["layers"])
        yield from self._judge_record(cut, found["record"], before, found["layers"])
        yield from self._judge_state(cut, found["state"])

    def _judge_layers(self, cut, there):
        if there.wrong:
            yield there.wrong
            return
        for name, digest in there.there.items():
            if digest is None or digest.startswith("refused"):
                yield f"{name} is there and {digest}"
        for name, digest in self.at_first["layers"].there.items():
            if there.there.get(name) != digest:
                yield f"{name}, which was there before, is {there.there.get(name)}"
        for name, in self.said(cut, "there"):
            if name not in there.there:
                yield f"{name} is gone, and the command that brought it had ended"

    def _judge_record(self, cut, record, before, layers):
        least = self.least_sequence(cut)
        if record is None:
            if least > 0: # the first one of all has nothing to lose when it is torn
                yield "neither copy of the record is valid"
            return
        if record.sequence < least:
            yield f"the record has number {record.sequence}, and the device had gone on after number {least}"
        for digest, (name, version, _, confirmed) in before.stacks.items():
            if confirmed and not record.stacks.get(digest, ("", 0, 0, False))[3]:
                yield f"{name} {version} is not confirmed any more"
        for name, floor in before.floors.items():
            if record.floors.get(name, 0) < floor:
                yield f"the floor of {name} fell to {record.floors.get(name)}"
        for name, in self.said(cut, "confirmed"):
            if not record.stacks.get(layers.there.get(name), ("", 0, 0, False))[3]:
                yield f"{name} is not confirmed, and the command that confirmed it had ended"

    def _judge_state(self, cut, there):
        if there.wrong:
            yield there.wrong
            return
        for name, text in {**self.at_first["state"].there, **dict(self.said(cut, "saved"))}.items():
            if there.there.get(name) != text:
                yield f"the file {name} is {there.there.get(name)} instead of {text}, and was flushed"

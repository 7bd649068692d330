"""Check an evidence archive with nothing but Python: every file's checksum, and the journal's chain of hashes.

Stands in every archive as `verify.py`. Run it in the unpacked folder: `python3 verify.py`. It changes nothing.
用任意 Python 3 在解压后的目录中运行：逐个校验文件的 SHA-256，并沿哈希链校验事件日志。
"""

import hashlib
import json
import sys
from pathlib import Path


def check_files(folder: Path) -> list[str]:
    """What is wrong with the files that SHA256SUMS lists."""
    problems = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        place = folder / name
        if not place.is_file():
            problems.append(f"{name}: missing 缺失")
        elif _digest(place) != digest:
            problems.append(f"{name}: changed 内容已变")
    return problems


def _digest(place: Path) -> str:
    """A video need not fit into the memory."""
    read = hashlib.sha256()
    with place.open("rb") as file:
        while part := file.read(1 << 20):
            read.update(part)
    return read.hexdigest()


def check_chain(folder: Path) -> tuple[int, list[str]]:
    """How many journal entries hold, and what is wrong with the first that does not."""
    previous, sequence, count = "", 0, 0
    for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        linked = count == 0 or (entry["previous_hash"] == previous and entry["sequence"] == sequence + 1)
        own = hashlib.sha256(entry["previous_hash"].encode() + entry["body"].encode()).hexdigest()
        if not linked or own != entry["hash"]:
            return count, [f"journal entry {entry['sequence']}: not chained to the one before, or edited 哈希链断裂"]
        previous, sequence, count = entry["hash"], entry["sequence"], count + 1
    return count, []


def main(folder: Path) -> int:
    problems = check_files(folder)
    entries, broken = check_chain(folder)
    for problem in [*problems, *broken]:
        sys.stdout.write(f"FAILED 失败: {problem}\n")
    if problems or broken:
        return 1
    sys.stdout.write(f"OK 通过: all files as they were written; {entries} journal entries, one chain\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))

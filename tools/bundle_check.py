"""What Windows can do to protect a program, looked up in the program itself: `python tools/bundle_check.py FOLDER`.

Every .exe, .dll and .pyd below the folder must be movable (ASLR, on 64 bits over the whole range), keep data from
running (DEP) and hold no section that is both written and run. Programs must have Control Flow Guard as well; most
wheels' libraries are built without it. Runs anywhere. Source: Microsoft, "PE Format", DllCharacteristics.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pefile

HIGH_ENTROPY, DYNAMIC_BASE, DEP, CFG = 0x0020, 0x0040, 0x0100, 0x4000
AMD64 = 0x8664
WRITE, RUN = 0x80000000, 0x20000000
RELOCATIONS, LOAD_CONFIG, SIGNATURE = 5, 10, 4
KINDS = (".exe", ".dll", ".pyd")
LEAST = {".exe": 2, ".dll": 3, ".pyd": 10}
"""A bundle with fewer of them is not the whole one."""


def faults(path: Path) -> list[str]:
    """Sentences about one file; empty when it is as it should be."""
    try:
        found = pefile.PE(str(path), fast_load=True)
    except pefile.PEFormatError as error:
        return [f"{path.name}: is no program of Windows ({error})"]
    with found:
        return [f"{path.name}: {fault}" for fault in _faults(found, program=path.suffix.casefold() == ".exe")]


def _faults(found: "pefile.PE", *, program: bool) -> Iterator[str]:
    flags = int(found.OPTIONAL_HEADER.DllCharacteristics)
    directories = found.OPTIONAL_HEADER.DATA_DIRECTORY
    wanted = {"ASLR": DYNAMIC_BASE, "DEP": DEP}
    if found.FILE_HEADER.Machine == AMD64:
        wanted["ASLR of high entropy"] = HIGH_ENTROPY
    if program:
        wanted["Control Flow Guard"] = CFG
    for name, bit in wanted.items():
        if not flags & bit:
            yield f"no {name} (DllCharacteristics {flags:#06x})"
    if found.FILE_HEADER.Characteristics & 0x0001 or not directories[RELOCATIONS].Size:
        yield "no relocations, so it can't be moved"
    if program and not directories[LOAD_CONFIG].Size:
        yield "no load configuration, so Control Flow Guard has no table"
    for section in found.sections:
        if section.Characteristics & WRITE and section.Characteristics & RUN:
            yield f"section {section.Name.rstrip(bytes(1)).decode(errors='replace')} is both written and run"
        if section.Name.startswith(b"UPX"):
            yield "it is packed with UPX"


def signed(path: Path) -> bool:
    """Whether it carries a signature at all; who made it is not looked at."""
    try:
        found = pefile.PE(str(path), fast_load=True)
    except pefile.PEFormatError:
        return False
    with found:
        return bool(found.OPTIONAL_HEADER.DATA_DIRECTORY[SIGNATURE].Size)


def main(arguments: list[str] | None = None) -> int:
    """0 all are as they should be; 1 something is not, or there is too little to be a bundle."""
    top = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    top.add_argument("folder", type=Path)
    folder = top.parse_args(arguments).folder
    files = sorted(path for path in folder.rglob("*") if path.suffix.casefold() in KINDS)
    count = {kind: sum(path.suffix.casefold() == kind for path in files) for kind in KINDS}
    broken = [fault for path in files for fault in faults(path)]
    broken += [f"only {count[kind]} {kind} in {folder}" for kind in KINDS if count[kind] < LEAST[kind]]
    for fault in broken:
        print(fault)
    bare = [path.name for path in files if path.suffix.casefold() == ".exe" and not signed(path)]
    if bare:
        print(f"not signed: {', '.join(bare)} (Windows SmartScreen will ask the person)")
    print(f"{len(files)} files looked at, {len(broken)} fault(s)")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

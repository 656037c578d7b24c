"""Files of others, of the server, of the system: only a tenant's own are there, and what is shared is read-only."""

from __future__ import annotations

from .probe import ByStarter, Probe

_ROOTS = "return attempt(write, given[{where!r}] + '/alphintra-attack')"


def _reads(name: str, key: str, control: object, **kwargs: object) -> Probe:
    return Probe(name, f"return read(given[{key!r}], 16)", "ENOENT", control, **kwargs)  # type: ignore[arg-type]


FILES = (
    _reads("another user's workspace", "neighbour", "bought at dawn"),
    _reads("server's database", "database", "SQLite format 3\0"),
    Probe("a master key of sealed datasets", "return os.stat(given['master_key']).st_size", "ENOENT", 32),
    Probe("server's write-ahead log", "return len(read(given['database'] + '-wal', 16))", "ENOENT", 16),
    Probe("another kernel's connection file", "return 'shell_port' in read(given['connection'])", "ENOENT", True),
    Probe("list of connection files", "return len(os.listdir(given['runtime'])) > 1", "ENOENT", True),
    Probe(
        "server's token in its runtime folder",
        "return any(given['token'] in str(attempt(read, os.path.join(folder, name), 1 << 16))\n"
        "           for folder, _, names in os.walk(given['runtime']) for name in names)",
        False,
        True,
    ),
    _reads("key in ~/.ssh", "ssh_key", "-----BEGIN OPENS"),
    Probe("real home folder's keys", "return attempt(os.listdir, given['home'] + '/.ssh')", "ENOENT", ["id_ed25519"]),
    Probe("/etc/shadow", "return len(read('/etc/shadow', 5))", "ENOENT", 5, privileged=True),
    Probe(
        "names of the host's users",
        "return len(open('/etc/passwd').read().splitlines()) > 3",
        False,
        True,
    ),
    Probe("write the environment", _ROOTS.format(where="prefix"), "EROFS", "written"),
    Probe("write /usr", _ROOTS.format(where="usr"), "EROFS", "written"),
    Probe("change a program", "return change(given['program'])", "EROFS", "changed"),
    Probe("write /", _ROOTS.format(where="root"), "EROFS", "written"),
    Probe("write /dev", _ROOTS.format(where="dev"), "EROFS", "written"),
    Probe("write /etc", _ROOTS.format(where="etc"), "EROFS", "written"),
    Probe("write /proc", _ROOTS.format(where="proc"), "ENOENT", "written"),
    Probe("change our own packages", "return change(given['package'])", "EROFS", "changed"),
    Probe(
        "make a device",
        "os.mknod('/tmp/alphintra-attack-null', 0o20666, os.makedev(1, 3))\n"
        "os.unlink('/tmp/alphintra-attack-null')\nreturn 'made'",
        "EPERM",
        "made",
        privileged=True,
    ),
    Probe(
        "hard link to a dataset",
        "target = given['own'] + '/linked'\n"
        "os.link(given['dataset'], target)\nos.unlink(target)\nreturn 'linked'",
        "EXDEV",
        "linked",
    ),
    Probe(
        "hard link from its input to its output",
        "os.link('/job/in/source/strategy.py', '/job/out/linked')",
        "EXDEV",
        "ENOENT",
        tenants=("job",),
    ),
    Probe(
        "change its own input",
        "return change('/job/in/source/strategy.py')",
        "EROFS",
        "ENOENT",
        tenants=("job",),
    ),
    Probe(
        "set-user-id file",
        # Whoever runs it becomes nobody else: no mount honours the bit.
        "path = given['own'] + '/alphintra-attack-suid'\n"
        "open(path, 'w').close()\nos.chmod(path, 0o4755)\nos.unlink(path)\n"
        "lines = [line.split() for line in open('/proc/self/mountinfo')]\n"
        "return [line[4] for line in lines if 'nosuid' not in line[5].split(',')]",
        [],
    ),
    Probe("privileges by execution", "return open('/proc/self/status').read().count('NoNewPrivs:\\t0')", 0),
    Probe(
        "an open folder of the host",
        "found = [f'/proc/{pid}/fd/{fd}' for pid in ('1', 'self')\n"
        "         for fd in (lambda names: names if isinstance(names, list) else [])"
        "(attempt(os.listdir, f'/proc/{pid}/fd'))]\n"
        "return [os.readlink(path) for path in found if os.path.isdir(path)]",
        [],
        [],
    ),
    Probe(
        "the host's root through the first process",
        "return read(f\"/proc/{given['first']}/root{given['neighbour']}\", 16)",
        ByStarter(root="EACCES", user="ENOENT"),
        "bought at dawn",
    ),
    Probe(
        "other folders of the host",
        "names = ('/run/systemd', '/run/lock', '/sys', '/var/lib', '/var/log', '/boot', '/media', '/srv')\n"
        "return [name for name in names\n"
        "        if os.path.exists(name)]",
        [],
    ),
)

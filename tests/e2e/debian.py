# SPDX-License-Identifier: BSD-2-Clause
"""Sources of Debian's packages, for tests that build real ones: lists of our own, the system's configuration stays as it is."""
import os
import subprocess


def lists(folder):
    """What apt-get needs in its environment for sources of the system's release, all of it below folder; None without a
    way to them."""
    release = subprocess.check_output(["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], text=True).strip()
    for name in ("state/lists/partial", "cache/archives/partial", "none.d"):
        os.makedirs(os.path.join(folder, "apt", name), exist_ok=True)
    with open(folder + "/apt/sources.list", "w") as file:
        file.write("deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
                   f"http://deb.debian.org/debian {release} main\n")
    with open(folder + "/apt/conf", "w") as file:
        file.write(f'Dir::State "{folder}/apt/state";\nDir::Cache "{folder}/apt/cache";\nDir::Etc::preferencesparts "/dev/null";\n'
                   f'Dir::Etc::sourcelist "{folder}/apt/sources.list";\nDir::Etc::sourceparts "{folder}/apt/none.d";\n'
                   'APT::Sandbox::User "root";\n')
    apt = {"APT_CONFIG": folder + "/apt/conf"}
    result = subprocess.run(["apt-get", "update", "-qq"], env=dict(os.environ, **apt), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return apt if result.returncode == 0 else None


def source(folder, package, apt):
    """The package's sources below folder/package, or None."""
    where = os.path.join(folder, "sources", package)
    os.makedirs(where, exist_ok=True)
    result = subprocess.run(["apt-get", "source", "-qq", package], cwd=where, env=dict(os.environ, **apt),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trees = [e.path for e in os.scandir(where) if e.is_dir()]
    return trees[0] if result.returncode == 0 and trees else None

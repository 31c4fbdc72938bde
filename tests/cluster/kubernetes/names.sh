# SPDX-License-Identifier: Apache-2.0
# Names and small functions that the scripts of the test cluster share.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${RINGTRAIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringtrain}
built=$cache/kubernetes/$(cat "$here"/programs/* | sha256sum | cut -c1-12)   # stays
state=${RINGTRAIN_CLUSTER:-/var/tmp/ringtrain-cluster}   # of a cluster that is up; down removes it
programs=$built/bin
group=$(basename "$state")   # the cgroup of everything that runs in pods
address=10.244.0.1           # of the control plane; node N is 10.244.N.1, its pods 10.244.N.2 and up

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

wait_for() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < end)) || fail "$what did not come up: see the logs below $state"
    sleep 0.1
  done
}

# A machine of the cluster is a process in namespaces of its own; all that runs there ends with it. The start
# time is kept beside its id, since a later process may get the same id.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d' ' -f20; }

process_of() { # MACHINE
  local process since
  read -r process since 2> /dev/null < "$state/$1/process" || return 1
  [ -n "$since" ] && [ "$(started_at "$process")" = "$since" ] && echo "$process"
}

on() { # MACHINE COMMAND...
  local process
  process=$(process_of "$1") || fail "$1 is not running"
  shift
  nsenter -t "$process" -n -m -p -u -- "$@"
}

nodes() {
  local directory
  for directory in "$state"/node*/; do [ ! -d "$directory" ] || basename "$directory"; done
}

# vmplug.bash - completion of vmplug's command line for bash
#
# Needs nothing but bash: not bash-completion, and not vmplug itself, which is only asked for the
# names of VMs and of their devices, for a second at most.

_vmplug_vm_options=(--config --name --machine --accel --cpu --cpu-features --smp --max-cpus --memory --max-memory --shared-memory
  --numa --firmware --firmware-version --kernel --initrd --append --disk --nic --share --device --plug --large-bar
  --spare --spare-window --bridges --hot-bus --hotplug-mode --ready --qemu)

_vmplug_commands() {
  printf '%s\n' run plan rehearse boot test config devices doctor bind release gc list status events attach detach \
    resize console stop qmp --help --version
}

# _vmplug_options COMMAND: prints its options.
_vmplug_options() {
  local options=()
  case $1 in
    run) options=("${_vmplug_vm_options[@]}" --detach --dry-run --rehearse --json) ;;
    plan) options=("${_vmplug_vm_options[@]}" --dot --json) ;;
    rehearse) options=("${_vmplug_vm_options[@]}" --timeout --json) ;;
    boot)
      options=("${_vmplug_vm_options[@]}" --expect --at --send --fail-on --timeout --stall --tcg-scale --resets
        --result --skip-if --qemu-arg --artifacts --dump-memory --junit --tap --events --console --dry-run --json)
      ;;
    test) options=(--jobs --filter --retry-infra --list --tap --junit --artifacts --events --json) ;;
    config) options=("${_vmplug_vm_options[@]}" --show-origin --keys --json) ;;
    devices) options=(--large-bar --json) ;;
    doctor) options=(--qemu --json) ;;
    attach) options=(--id --timeout --json) ;;
    detach) options=(--all --force --timeout --json) ;;
    qmp) options=(--timeout --json) ;;
    resize) options=(--cpus --memory --timeout --json) ;;
    stop) options=(--force --timeout) ;;
    bind) options=(--force) ;;
    gc | list | status) options=(--json) ;;
  esac
  printf '%s\n' "${options[@]}" --help
}

_vmplug_takes_value() {
  case $1 in
    --all | --detach | --dry-run | --rehearse | --json | --tap | --console | --dump-memory | --list | --force | --show-origin | --keys | --help | --version) return 1 ;;
    --*=*) return 1 ;;
    --*) return 0 ;;
    *) return 1 ;;
  esac
}

# _vmplug_ask PROGRAM KEY ARGUMENT...: prints the strings that the program's JSON has under KEY.
_vmplug_ask() {
  local program=$1 key=$2
  shift 2
  timeout 1 "$program" "$@" --json 2>/dev/null |
    grep -o "\"$key\" *: *\"[A-Za-z0-9_.-]*\"" | sed 's/.*: *"//; s/"$//'
}

# What vmplug would take for a device of the host.  From the kernel: bridges cannot be assigned, and
# what is not bound yet can be with bind=on.
_vmplug_host_devices() {
  local root=${VMPLUG_ROOT:-} path class
  for path in "$root"/sys/bus/pci/devices/*; do
    read -r class 2>/dev/null <"$path/class" || continue
    [[ $class == 0x06* ]] || echo "${path##*/}"
  done
  for path in "$root"/dev/vfio/[0-9]* "$root"/dev/vfio/devices/vfio*; do
    [[ ! -e $path ]] || echo "${path#"$root"}"
  done
}

# _vmplug_spec WORD: prints what a SPEC that begins with WORD can go on with.
_vmplug_spec() {
  local base=${1%,*}
  case $1 in
    disk,*,*)
      printf '%s\n' "$base",{format=raw,format=qcow2,readonly} \
        "$base",model={virtio-blk,virtio-scsi,nvme} "$base",{plug=auto,plug=cold,plug=hot,id=}
      ;;
    disk,*) compgen -f -P disk, -- "${1#disk,}" ;;
    nic,*,*)
      [[ $1 != nic,tap,* ]] || printf '%s\n' "$base",{ifname=,vhost=auto,vhost=on,vhost=off}
      printf '%s\n' "$base",{model=virtio-net,model=e1000e,mac=,plug=auto,plug=cold,plug=hot,id=}
      ;;
    nic,*) printf '%s\n' nic,user nic,tap,ifname= nic,passt ;;
    qemu,*) printf '%s\n' "$base",{driver=,plug=auto,plug=cold,plug=hot,id=} ;;
    vfio-user,socket=*,*) printf '%s\n' "$base",{plug=auto,plug=cold,plug=hot,id=} ;;
    vfio-user,*) printf '%s\n' vfio-user,socket= ;;
    rng,*) printf '%s\n' "$base",{plug=auto,plug=cold,plug=hot,id=} ;;
    *,*)
      printf '%s\n' "$base",{plug=auto,plug=cold,plug=hot,id=,bind=on,bind=off,force=on} \
        "$base",{iommufd=auto,iommufd=on,iommufd=off} \
        "$base",{rombar=on,rombar=off,x-no-mmap=on,x-no-mmap=off}
      ;;
    *)
      _vmplug_host_devices
      printf '%s\n' qemu,driver= rng disk, nic, vfio-user,socket=
      ;;
  esac
}

# _vmplug_value OPTION WORD: prints the values that the option can have, "/" for any file, and
# nothing where only the user knows.
_vmplug_value() {
  case $1 in
    --machine) printf '%s\n' q35 pc ;;
    --accel) printf '%s\n' auto kvm tcg ;;
    --firmware) printf '%s\n' seabios ovmf / ;;
    --plug) printf '%s\n' auto cold hot ;;
    --hot-bus) printf '%s\n' auto bridge ;;
    --shared-memory) printf '%s\n' auto on ;;
    --hotplug-mode) printf '%s\n' acpi native ;;
    --ready) printf '%s\n' now after: console: port: ;;
    --nic) printf '%s\n' user tap,ifname= none ;;
    --device) _vmplug_spec "$2" ;;
    --disk)
      case $2 in
        *,*) printf '%s\n' "${2%,*}",{format=raw,format=qcow2,readonly,snapshot} ;;
        *) echo / ;;
      esac
      ;;
    --share)
      case $2 in
        *,*) printf '%s\n' "${2%,*}",{tag=,readonly} ;;
        *) echo / ;;
      esac
      ;;
    --result) printf '%s\n' port debug-exit ;;
    --skip-if) printf '%s\n' no-kvm not-root no-file= no-device= env= no-env= ;;
    --fail-on) echo none ;;
    --events) echo fd: ;;
    --config | --kernel | --initrd | --artifacts | --junit) echo / ;;
    --qemu)
      compgen -c -- "${2:-qemu-system-}"
      echo /
      ;;
  esac
}

# _vmplug_argument PROGRAM COMMAND WORD BEFORE...: prints what can stand after the arguments BEFORE.
_vmplug_argument() {
  local program=$1 command=$2 word=$3
  shift 3
  case $command.$# in
    test.*) echo / ;;
    devices.* | bind.* | release.*) _vmplug_host_devices ;;
    status.0 | events.0 | attach.0 | detach.0 | resize.0 | console.0 | stop.0 | qmp.0)
      _vmplug_ask "$program" name list
      ;;
    attach.*) _vmplug_spec "$word" ;;
    detach.*) _vmplug_ask "$program" id status "$1" ;;
    qmp.1)
      printf '%s\n' query-{block,commands,cpus-fast,iothreads,pci,status,version} qom-{get,list} \
        device-list-properties stop cont system_reset system_powerdown
      ;;
  esac
}

# _vmplug_candidates PROGRAM WORD BEFORE...: prints what can stand after the words BEFORE.
_vmplug_candidates() {
  local program=$1 word=$2 command=${3-} before pending='' arguments=() value
  if [[ -z $command ]]; then
    _vmplug_commands
    return
  fi
  shift 3
  for before; do
    if [[ -n $pending ]]; then
      pending=
    elif [[ $before == -- ]]; then
      echo / # whatever QEMU wants
      return
    elif _vmplug_takes_value "$before"; then
      pending=$before
    elif [[ $before != -* ]]; then
      arguments+=("$before")
    fi
  done

  if [[ -n $pending ]]; then
    _vmplug_value "$pending" "$word"
  elif [[ $word == --*=* ]]; then
    while read -r value; do
      if [[ $value == / ]]; then echo /; else echo "${word%%=*}=$value"; fi
    done < <(_vmplug_value "${word%%=*}" "${word#*=}")
  elif [[ $word == -* || $command =~ ^(run|plan|rehearse)$ ]]; then
    _vmplug_options "$command"
  else
    _vmplug_argument "$program" "$command" "$word" "${arguments[@]}"
  fi
}

# bash cuts words at : and =, which addresses and options contain.  So the words are taken from the
# line itself, and what bash has cut away already is left off each answer.
_vmplug() {
  local line=${COMP_LINE:0:COMP_POINT} breaks=${COMP_WORDBREAKS//[^:=]/}
  local words word='' cut='' candidate files=''
  read -ra words <<<"$line"
  if [[ $line != *[[:space:]] ]]; then
    word=${words[-1]}
    unset 'words[-1]'
  fi
  [[ -z $breaks || $word != *[$breaks]* ]] || cut=${word%"${word##*["$breaks"]}"}

  COMPREPLY=()
  while read -r candidate; do
    if [[ $candidate == / ]]; then
      files=yes
    elif [[ $candidate == "$word"* ]]; then
      COMPREPLY+=("${candidate#"$cut"}")
    fi
  done < <(_vmplug_candidates "$1" "$word" "${words[@]:1}")

  if [[ ${#COMPREPLY[@]} -eq 0 && -n $files ]]; then
    compopt -o default # bash's own, which knows how to quote
  elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:,] ]]; then
    compopt -o nospace # more is to come
  fi
}

complete -F _vmplug vmplug

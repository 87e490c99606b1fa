{{- define "evenkeel.zookeeper.start" -}}
#!/bin/bash
# start.sh COMMAND...: starts this member, as soon as it may.
#
# Members without data must not elect a leader while another member has some: where one becomes three, the two new ones are a
# majority, and what they do not know would be deleted from the third. So a member without data waits until
#   - another one serves in an ensemble: then it gets the data from there, or
#   - the first one is up, if this is one of the fewest that are a majority: they are none without the first one.
# The first one never waits.
set -u
export ZOO_MY_ID=$((${HOSTNAME##*-} + 1))
marks=${MARKS:-/tmp}

# mode HOST PORT: leader, follower, standalone, or nothing where nobody serves.
mode() {
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1" && echo srvr >&3 && sed -n "s/^Mode: //p" <&3' "$1" "$2" 2>/dev/null
}

listens() {
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
}

has_data() {
  compgen -G "$ZOO_DATA_DIR/version-2/*" >/dev/null || compgen -G "$ZOO_DATA_LOG_DIR/version-2/*" >/dev/null
}

may_start() {
  local server id host election client count=0 first_up=false first_alone=false
  for server in $ZOO_SERVERS; do
    [[ $server =~ ^server\.([0-9]+)=(.+):[0-9]+:([0-9]+)\;([0-9]+)$ ]] || return 0
    id=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} election=${BASH_REMATCH[3]} client=${BASH_REMATCH[4]}
    count=$((count + 1))
    [[ $id == "$ZOO_MY_ID" ]] && continue
    case $(mode "$host" "$client") in
      leader | follower) return 0 ;;
      standalone) first_alone=true ;;
    esac
    [[ $id == 1 ]] && listens "$host" "$election" && first_up=true
  done
  # Ready, so that the upgrade goes on to the one that still stands alone.
  if $first_alone; then touch "$marks/waits-ready"; else rm -f "$marks/waits-ready"; fi
  $first_up && [[ $ZOO_MY_ID -le $((count / 2 + 1)) ]]
}

trap 'exit 143' TERM
if [[ $ZOO_MY_ID != 1 ]] && ! has_data; then
  touch "$marks/waits"
  echo "This member has no data: it waits for the others"
  until may_start; do sleep 1; done
fi
rm -f "$marks/waits" "$marks/waits-ready"
exec "$@"
{{- end }}

# shellcheck shell=bash disable=SC2154 # lib.sh's variables
# Sourced after lib.sh: Debian's docker-registry on loopback, on a free port, with its storage in the test's own
# directory.
#
#   registry_start    sets $registry (127.0.0.1:PORT) and $registry_log (each request is a line)
#   registry_stop     called by the end of the test, too
registry_pid=
registry_log=$work/registry.log

registry_stop() {
	[ -z "$registry_pid" ] || kill "$registry_pid" 2>/dev/null || true
	[ -z "$registry_pid" ] || wait "$registry_pid" 2>/dev/null || true
	registry_pid=
}
trap 'registry_stop; cd /; [ -n "${finished:-}" ] || echo "Bail out! $0 stopped"; rm -rf "$work"' EXIT

registry_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Another program may take the port first: then another port.
registry_start() {
	local tries port wait
	for ((tries = 0; tries < 5; tries++)); do
		port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
		cat >"$work/registry.yml" <<-EOT
			version: 0.1
			log: {level: info, accesslog: {disabled: false}}
			storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
			http: {addr: "127.0.0.1:$port"}
		EOT
		docker-registry serve "$work/registry.yml" >"$registry_log" 2>&1 &
		registry_pid=$!
		for ((wait = 0; wait < 300; wait++)); do
			kill -0 "$registry_pid" 2>/dev/null || break
			if registry_answers "$port"; then
				# shellcheck disable=SC2034 # by those that source this
				registry=127.0.0.1:$port
				return 0
			fi
			sleep 0.1
		done
		registry_stop
	done
	tail -n 5 "$registry_log" | sed 's/^/# /'
	return 1
}

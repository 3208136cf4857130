# shellcheck shell=bash
# Sourced by tests that need a registry: Debian's docker-registry on loopback, on a free port, with its storage below
# $work. It ends when the test does.

# start_registry: $registry is its host and port
start_registry() {
	local dir=${work:?}/registry tries=0
	mkdir "$dir"
	cat >"$dir/config.yml" <<-END
		version: 0.1
		log: {level: info, formatter: json, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir/storage}}
		http: {addr: '127.0.0.1:0'}
	END
	setpriv --pdeathsig TERM docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 &
	registry_pid=$!
	while ! registry=$(grep -o 'listening on 127\.0\.0\.1:[0-9]*' "$dir/log"); do
		if [ $((tries += 1)) -gt 100 ] || ! kill -0 "$registry_pid"; then
			cat "$dir/log" >&2
			return 1
		fi
		sleep 0.1
	done
	registry=${registry##* }
}

stop_registry() {
	kill "$registry_pid"
	wait "$registry_pid"
} 2>/dev/null

# mark_registry: from here on registry_log counts
mark_registry() {
	stat -c %s "$work/registry/log" >"$work/registry/mark"
}

# registry_log METHOD: how many requests for blobs it answered, and with how many bytes
registry_log() {
	python3 - "$work/registry/log" "$work/registry/mark" "$1" <<-'END'
		import json, sys
		with open(sys.argv[1]) as log, open(sys.argv[2]) as mark:
		    log.seek(int(mark.read()))
		    entries = [json.loads(line) for line in log]
		sizes = [entry["http.response.written"] for entry in entries
		         if entry.get("msg") == "response completed"
		         and entry["http.request.method"] == sys.argv[3]
		         and "/blobs/" in entry["http.request.uri"]]
		print(len(sizes), sum(sizes))
	END
}

# shellcheck shell=bash
# Sourced after a lib.sh: Debian's docker-registry on loopback, on a free port, with its storage in the test's own
# directory. It ends when the test does, however that ends.

# registry_start: $registry is its host and port
registry_start() {
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
		if [ $((tries += 1)) -gt 300 ] || ! kill -0 "$registry_pid"; then
			tail -n 5 "$dir/log" >&2
			return 1
		fi
		sleep 0.1
	done
	registry=${registry##* }
}

registry_stop() {
	kill "$registry_pid"
	wait "$registry_pid" || true
} 2>/dev/null

# registry_mark: from here on registry_blobs counts
registry_mark() {
	stat -c %s "$work/registry/log" >"$work/registry/mark"
}

# registry_blobs METHOD: how many requests for blobs it answered, and with how many bytes
registry_blobs() {
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

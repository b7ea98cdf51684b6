package resp

// AppendCommand appends a request of the given arguments, as clients, the
// append only file and the replication stream hold it.
func AppendCommand(dst []byte, args ...[]byte) []byte {
	dst = arrayHeader(dst, len(args))
	for _, arg := range args {
		dst = AppendBulk(dst, arg)
	}
	return dst
}

// AppendCommandStrings is AppendCommand for strings.
func AppendCommandStrings(dst []byte, args ...string) []byte {
	dst = arrayHeader(dst, len(args))
	for _, arg := range args {
		dst = bulkHeader(dst, len(arg))
		dst = append(dst, arg...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// AppendArrayHeader begins a request of n arguments, each to be appended with
// AppendBulk.
func AppendArrayHeader(dst []byte, n int) []byte { return arrayHeader(dst, n) }

// AppendBulk appends one bulk string.
func AppendBulk(dst, b []byte) []byte {
	dst = bulkHeader(dst, len(b))
	dst = append(dst, b...)
	return append(dst, '\r', '\n')
}

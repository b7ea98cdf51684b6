package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"datastore/server/vfs"
)

const (
	// maxManifestLine is Redis's limit on a manifest line, line end included.
	maxManifestLine  = 1024
	maxManifestBytes = 1 << 20
	tempPrefix       = "temp-"
)

type partKind byte

const (
	kindBase    partKind = 'b'
	kindIncr    partKind = 'i'
	kindHistory partKind = 'h'
)

// part is one line of the manifest.
type part struct {
	name string
	seq  int64
	kind partKind
}

// manifest lists the files that together are the data, in the order in which they are loaded, and the history files
// that only wait to be removed.
type manifest struct {
	base    *part
	incrs   []part
	history []part
}

// parts are the files to load.
func (m *manifest) parts() []part {
	var all []part
	if m.base != nil {
		all = append(all, *m.base)
	}
	return append(all, m.incrs...)
}

func (m *manifest) lists(name string) bool {
	for _, p := range append(m.parts(), m.history...) {
		if p.name == name {
			return true
		}
	}
	return false
}

func (m *manifest) lastIncrSeq() int64 {
	if len(m.incrs) == 0 {
		return 0
	}
	return m.incrs[len(m.incrs)-1].seq
}

// withIncr is the manifest after another incr file has been opened.
func (m *manifest) withIncr(p part) manifest {
	incrs := append(append([]part(nil), m.incrs...), p)
	return manifest{base: m.base, incrs: incrs, history: m.history}
}

// replacedBy is the manifest after base and incr have taken the place of everything but the incr files from the one
// with the number firstSeq on.
func (m *manifest) replacedBy(base part, firstSeq int64, incr part) manifest {
	next := manifest{base: &base, history: append([]part(nil), m.history...)}
	for _, p := range m.parts() {
		if p.kind == kindIncr && p.seq >= firstSeq {
			next.incrs = append(next.incrs, p)
			continue
		}
		next.history = append(next.history, part{name: p.name, seq: p.seq, kind: kindHistory})
	}
	if len(next.incrs) == 0 {
		next.incrs = []part{incr}
	}
	return next
}

// encode writes the lines in Redis's order: base, history, incr.
func (m *manifest) encode() []byte {
	var b bytes.Buffer
	line := func(p part) {
		fmt.Fprintf(&b, "file %s seq %d type %c\n", quoteName(p.name), p.seq, p.kind)
	}
	if m.base != nil {
		line(*m.base)
	}
	for _, p := range m.history {
		line(p)
	}
	for _, p := range m.incrs {
		line(p)
	}
	return b.Bytes()
}

// quoteName writes a name as Redis's manifest does: bare when it needs no quotes.
func quoteName(name string) string {
	bare := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\'' || r == '\\' || r >= 0x7f
	})
	if bare {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// parseManifest reads the manifest with Redis's rules and words. Unknown attributes are skipped, as Redis does.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if len(data) == 0 {
		return m, &ManifestError{Reason: ErrManifestEmpty}
	}
	for n := 1; len(data) > 0; n++ {
		end := bytes.IndexByte(data, '\n')
		if end < 0 || end+1 >= maxManifestLine {
			return m, &ManifestError{Reason: ErrManifestLongLine}
		}
		text := string(data[:end])
		data = data[end+1:]
		if strings.HasPrefix(text, "#") {
			continue
		}
		p, err := parseManifestLine(strings.TrimSpace(text))
		if err == nil {
			err = m.add(p)
		}
		if err != nil {
			return m, &ManifestError{Line: n, Text: strings.TrimSpace(text), Reason: err}
		}
	}
	return m, nil
}

func (m *manifest) add(p part) error {
	if m.lists(p.name) {
		return ErrManifestDuplicate
	}
	switch p.kind {
	case kindBase:
		if m.base != nil {
			return ErrManifestTwoBases
		}
		m.base = &p
	case kindIncr:
		if p.seq <= m.lastIncrSeq() {
			return ErrManifestSeq
		}
		m.incrs = append(m.incrs, p)
	case kindHistory:
		m.history = append(m.history, p)
	default:
		return ErrManifestType
	}
	return nil
}

func parseManifestLine(text string) (part, error) {
	words, err := splitWords(text)
	if err != nil || len(words) < 6 || len(words)%2 != 0 {
		return part{}, ErrManifestFormat
	}
	var p part
	for i := 0; i < len(words); i += 2 {
		value := words[i+1]
		switch strings.ToLower(words[i]) {
		case "file":
			p.name = value
			if strings.ContainsAny(value, "/\\") || value == "." || value == ".." {
				return part{}, ErrManifestPath
			}
		case "seq":
			p.seq, err = strconv.ParseInt(value, 10, 64)
			if err != nil {
				return part{}, ErrManifestFormat
			}
		case "type":
			if len(value) != 1 {
				return part{}, ErrManifestType
			}
			p.kind = partKind(value[0])
		}
	}
	if p.name == "" || p.seq <= 0 || p.kind == 0 {
		return part{}, ErrManifestFormat
	}
	return p, nil
}

var errQuotes = errors.New("unbalanced quotes")

// splitWords splits at blanks; a word in double quotes may have \" \\ and \xHH, which is all that quoteName writes.
func splitWords(text string) ([]string, error) {
	var words []string
	for {
		text = strings.TrimLeft(text, " \t\r")
		if text == "" {
			return words, nil
		}
		if text[0] != '"' {
			end := strings.IndexAny(text, " \t\r")
			if end < 0 {
				end = len(text)
			}
			words, text = append(words, text[:end]), text[end:]
			continue
		}
		word, rest, err := quotedWord(text[1:])
		if err != nil {
			return nil, err
		}
		words, text = append(words, word), rest
	}
}

func quotedWord(text string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+3 < len(text) && text[i+1] == 'x':
			v, err := strconv.ParseUint(text[i+2:i+4], 16, 8)
			if err != nil {
				return "", "", errQuotes
			}
			b.WriteByte(byte(v))
			i += 3
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errQuotes
}

// isPartName recognises FILE.SEQ.base.* and FILE.SEQ.incr.*; copies of dropped bytes do not match.
func isPartName(fileName, name string) bool {
	rest, ok := strings.CutPrefix(name, fileName+".")
	if !ok {
		return false
	}
	seq, suffix, ok := strings.Cut(rest, ".")
	if !ok {
		return false
	}
	if _, err := strconv.ParseInt(seq, 10, 64); err != nil {
		return false
	}
	switch suffix {
	case "base.rdb", "base.aof", "incr.aof":
		return true
	}
	return false
}

func (l *Log) manifestName() string { return l.o.FileName + ".manifest" }

func (l *Log) incrName(seq int64) string { return fmt.Sprintf("%s.%d.incr.aof", l.o.FileName, seq) }

func (l *Log) baseName(seq int64) string {
	suffix := "rdb"
	if l.commandBase {
		suffix = "aof"
	}
	return fmt.Sprintf("%s.%d.base.%s", l.o.FileName, seq, suffix)
}

// persist makes m the manifest on disk and in l: temporary file, fsync, rename, fsync of the directory. An error
// before the rename leaves the old manifest in force. After a rename whose directory could not be fsynced either may
// come back after a power loss; l then has m, nothing that either lists is removed, and the log is broken.
func (l *Log) persist(m manifest) error {
	temp := l.path(tempPrefix + l.manifestName())
	if err := writeDurable(l.o.FS, temp, m.encode()); err != nil {
		return fmt.Errorf("write the manifest: %w", errors.Join(err, removeQuietly(l.o.FS, temp)))
	}
	if err := l.o.FS.Rename(temp, l.path(l.manifestName())); err != nil {
		return fmt.Errorf("replace the manifest: %w", errors.Join(err, removeQuietly(l.o.FS, temp)))
	}
	l.manifest = m
	if err := l.o.FS.SyncDir(l.dir); err != nil {
		l.broken = fmt.Errorf("%w: directory of the manifest: %w", ErrSync, err)
		return l.broken
	}
	return nil
}

func writeDurable(fsys vfs.FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func readAll(fsys vfs.FS, name string, limitBytes int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limitBytes+1))
	if err == nil && int64(len(data)) > limitBytes {
		err = ErrManifestFormat
	}
	return data, errors.Join(err, f.Close())
}

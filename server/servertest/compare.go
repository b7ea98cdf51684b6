package servertest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// equalReplies compares the replies of two servers as the step asks.
func equalReplies(st step, ours, theirs Reply) bool {
	switch st.mode {
	case ignored:
		return true
	case unordered, pairs:
		return canonical(ours, st.mode) == canonical(theirs, st.mode)
	case kind:
		return ours.Type == theirs.Type && ours.Null == theirs.Null
	case shape:
		return shapeOf(ours) == shapeOf(theirs)
	case errorCode:
		if ours.IsError() && theirs.IsError() {
			return firstWord(ours.Str) == firstWord(theirs.Str)
		}
	case approx:
		if ours.Type == ':' && theirs.Type == ':' {
			distance := ours.Int - theirs.Int
			return max(distance, -distance) <= st.tolerance
		}
	}
	return bytes.Equal(ours.Raw, theirs.Raw)
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// canonical renders a reply with the elements of every aggregate sorted. Entries of maps are sorted as pairs, and so
// are, in mode pairs, those of arrays that hold scalars only: RESP2's form of a map.
func canonical(r Reply, m mode) string {
	if len(r.Elems) == 0 {
		return string(r.Raw)
	}
	width := 1
	if r.Type == '%' || m == pairs && len(r.Elems)%2 == 0 && onlyScalars(r.Elems) {
		width = 2
	}
	entries := make([]string, 0, len(r.Elems)/width)
	for i := 0; i < len(r.Elems); i += width {
		entry := ""
		for _, e := range r.Elems[i : i+width] {
			entry += canonical(e, m)
		}
		entries = append(entries, entry)
	}
	slices.Sort(entries)
	return fmt.Sprintf("%c%d\r\n%s", r.Type, len(r.Elems), strings.Join(entries, ""))
}

func onlyScalars(elems []Reply) bool {
	return !slices.ContainsFunc(elems, func(e Reply) bool { return e.Elems != nil })
}

func shapeOf(r Reply) string {
	var b strings.Builder
	b.WriteByte(r.Type)
	if r.Null {
		b.WriteByte('-')
	}
	if len(r.Elems) > 0 {
		b.WriteByte('[')
		for _, e := range r.Elems {
			b.WriteString(shapeOf(e))
		}
		b.WriteByte(']')
	}
	return b.String()
}

// explain shows one reply for a failure message: decoded and raw, cut to what a reader can compare.
func explain(r Reply) string {
	const limitBytes = 600
	raw := fmt.Sprintf("%q", r.Raw)
	if len(raw) > limitBytes {
		raw = fmt.Sprintf("%s… (%d bytes)", raw[:limitBytes], len(r.Raw))
	}
	text := r.String()
	if len(text) > limitBytes {
		text = text[:limitBytes] + "…"
	}
	return text + "\n\t\traw " + raw
}

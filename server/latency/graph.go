package latency

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	graphColumns = 80
	graphRows    = 4
	marks        = "_o#" // heights within a row
)

// Graph draws the samples of an event, which must have some, as LATENCY GRAPH shows them: a column for each, whose height
// says how long it took between the shortest and the longest, and below it how long ago that was. What does not fit beside
// each other stands below each other.
func (m *Monitor) Graph(event string, nowSec int64) []byte {
	s := m.events[event]
	list := s.history()
	low, high := list[0].Ms, list[0].Ms
	for _, x := range list {
		low, high = min(low, x.Ms), max(high, x.Ms)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", event, high, low, s.worstMs,
		strings.Repeat("-", graphColumns))
	for from := 0; from < len(list); from += graphColumns {
		if from > 0 {
			b.WriteByte('\n')
		}
		part := list[from:min(from+graphColumns, len(list))]
		drawColumns(&b, part, low, high)
		drawAges(&b, part, nowSec)
	}
	return b.Bytes()
}

// drawColumns draws the rows from top to bottom.
func drawColumns(b *bytes.Buffer, list []Sample, low, high int64) {
	const levels = graphRows * len(marks)
	for row := graphRows - 1; row >= 0; row-- {
		for _, x := range list {
			level := 0
			if high > low {
				level = min(int(float64(x.Ms-low)/float64(high-low)*float64(levels)), levels-1)
			}
			switch top := level / len(marks); {
			case row < top:
				b.WriteByte('|')
			case row == top:
				b.WriteByte(marks[level%len(marks)])
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
}

// drawAges writes the age of each sample from top to bottom, below an empty row.
func drawAges(b *bytes.Buffer, list []Sample, nowSec int64) {
	ages := make([]string, len(list))
	rows := 0
	for i, x := range list {
		ages[i] = " " + age(nowSec-x.Sec)
		rows = max(rows, len(ages[i]))
	}
	for row := range rows {
		for _, text := range ages {
			if row < len(text) {
				b.WriteByte(text[row])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
}

// age renders a time span in its largest unit.
func age(sec int64) string {
	switch {
	case sec < 60:
		return fmt.Sprintf("%ds", sec)
	case sec < 60*60:
		return fmt.Sprintf("%dm", sec/60)
	case sec < 24*60*60:
		return fmt.Sprintf("%dh", sec/(60*60))
	}
	return fmt.Sprintf("%dd", sec/(24*60*60))
}

package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// store writes a canonical value to the typed field dst points to.
func store(dst any, k kind, text string) {
	switch p := dst.(type) {
	case *bool:
		*p = text == "yes"
	case *int:
		*p = number(k, text)
	case *int64:
		*p = clamped(text)
	case *string:
		*p = text
	case *[]string:
		*p = strings.Fields(text)
	case *[]SavePoint:
		*p = savePoints(text)
	case *OutputBufferLimits:
		*p = bufferLimits(text)
	case *ReplicaOf:
		*p = replicaOf(text)
	case *[][]string:
		// Filled line by line by appendRow.
	default:
		panic(fmt.Sprintf("config: no way to store a value in %T", dst))
	}
}

// number is the position of a name, the bits of a set, or a number.
func number(k kind, text string) int {
	switch k := k.(type) {
	case enum:
		return k.index(text)
	case flagSet:
		bits := 0
		for _, word := range strings.Fields(text) {
			b, _ := k.bit(word)
			bits |= b
		}
		return bits
	case octal:
		n, _ := strconv.ParseInt(text, 8, 64)
		return int(n)
	}
	return int(clamped(text))
}

// clamped reads a canonical number; what needs 64 bits without sign becomes
// the largest number with sign.
func clamped(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // out of range gives the nearest
	return n
}

func savePoints(text string) []SavePoint {
	f := strings.Fields(text)
	points := make([]SavePoint, 0, len(f)/2)
	for i := 0; i+1 < len(f); i += 2 {
		points = append(points, SavePoint{Sec: clamped(f[i]), Changes: int(clamped(f[i+1]))})
	}
	return points
}

func bufferLimits(text string) OutputBufferLimits {
	f := strings.Fields(text)
	class := func(name int) OutputBufferLimit {
		w := f[4*name+1:]
		return OutputBufferLimit{HardBytes: clamped(w[0]), SoftBytes: clamped(w[1]), SoftSec: clamped(w[2])}
	}
	return OutputBufferLimits{Normal: class(0), Replica: class(1), PubSub: class(2)}
}

func replicaOf(text string) ReplicaOf {
	host, port, _ := strings.Cut(text, " ")
	return ReplicaOf{Host: host, Port: int(min(clamped(port), math.MaxUint16))}
}

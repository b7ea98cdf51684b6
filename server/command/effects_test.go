package command

import "testing"

func args(words ...string) [][]byte {
	var list [][]byte
	for _, w := range words {
		list = append(list, []byte(w))
	}
	return list
}

// TestDivertAndAppend: effects that were collected apart arrive as if they had been added in place, each database selected
// once.
func TestDivertAndAppend(t *testing.T) {
	var main, apart Effects
	main.Forget()
	main.Listen(true)
	main.Add(0, args("A")...)
	apart.Adopt(&main)
	before := main.Divert(&apart)
	main.Replace(0, args("B")...)
	main.AddNow(1, args("DEL")...)
	main.Add(2, args("C")...)
	main.Divert(before)
	main.Append(&apart)
	main.Add(2, args("D")...)
	const want = multiPrefix + "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$1\r\nA\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*1\r\n$3\r\nDEL\r\n" +
		"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$1\r\nB\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$1\r\nC\r\n*1\r\n$1\r\nD\r\n" + execSuffix
	if got := string(main.Finish()); got != want {
		t.Errorf("got %q", got)
	}
	apart.Adopt(&main)
	apart.Add(2, args("E")...)
	main.Append(&apart)
	if got := string(main.Finish()); got != "*1\r\n$1\r\nE\r\n" {
		t.Errorf("one effect: %q", got)
	}
	main.Listen(false)
	apart.Adopt(&main)
	apart.Add(2, args("E")...)
	if main.Append(&apart); main.Count() != 1 || main.Finish() != nil {
		t.Error("nobody listens")
	}
}

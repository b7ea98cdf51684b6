package main

import (
	"errors"
	"strings"
	"testing"
)

const benchmarkText = "\r \rGET key:__rand_int__: rps=0.0 (overall: -nan) avg_msec=-nan (overall: -nan)\r" +
	`====== GET key:__rand_int__ ======
  10000 requests completed in 1.17 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.127 milliseconds (cumulative count 1)
50.000% <= 0.567 milliseconds (cumulative count 5100)
99.805% <= 3.255 milliseconds (cumulative count 9981)
99.902% <= 3.775 milliseconds (cumulative count 9991)
99.951% <= 4.191 milliseconds (cumulative count 9996)
100.000% <= 4.687 milliseconds (cumulative count 10000)
100.000% <= 4.687 milliseconds (cumulative count 10000)

Cumulative distribution of latencies:
0.000% <= 0.103 milliseconds (cumulative count 0)
99.780% <= 3.103 milliseconds (cumulative count 9978)
TIGHTER100.000% <= 5.103 milliseconds (cumulative count 10000)

Summary:
  throughput summary: 42698.55 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.684     0.120     0.567     1.311     1.895     4.687
`

func TestParseSummary(t *testing.T) {
	want := sample{OpsPerSecond: 42698.55, P50Ms: 0.567, P99Ms: 1.895, P999Ms: 3.775, MaxMs: 4.687}
	got, err := parseSummary(strings.Replace(benchmarkText, "TIGHTER", "", 1))
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	want.P999Ms = 3.703
	got, err = parseSummary(strings.Replace(benchmarkText, "TIGHTER", "99.900% <= 3.703 milliseconds (cumulative count 9990)\n", 1))
	if err != nil || got != want {
		t.Errorf("the second list has the tighter bound: %+v, %v", got, err)
	}
}

func TestParseSummaryRefusesWhatIsIncomplete(t *testing.T) {
	whole := strings.Replace(benchmarkText, "TIGHTER", "", 1)
	for name, out := range map[string]string{
		"nothing":       "",
		"no latencies":  whole[strings.Index(whole, "Summary:"):],
		"no throughput": strings.Replace(whole, "throughput summary", "summary", 1),
		"no last line":  whole[:strings.Index(whole, "        0.684")],
		"damaged":       strings.Replace(whole, "50.000%", "half", 1),
	} {
		if _, err := parseSummary(out); !errors.Is(err, errServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQuantileBound(t *testing.T) {
	bounds := []bound{{50, 1, 500}, {99.9, 7, 999}, {100, 9, 1000}, {99.95, 8, 1000}}
	for _, tc := range []struct{ q, want float64 }{{0.5, 1}, {0.501, 7}, {0.999, 7}, {0.9991, 8}, {1, 8}} {
		if got := quantileBound(bounds, tc.q); got != tc.want {
			t.Errorf("share %g: %g ms, want %g", tc.q, got, tc.want)
		}
	}
	if got := quantileBound(nil, 0.5); got != 0 {
		t.Errorf("without bounds: %g", got)
	}
}

func TestBenchmarkErrorTellsRefusals(t *testing.T) {
	exit := errors.New("exit status 1")
	if got := refusal(benchmarkError(exit, "", "Error from server: ERR unknown command 'ZPOPMIN'\n")); got != "ERR unknown command 'ZPOPMIN'" {
		t.Errorf("error reply: %q", got)
	}
	if err := benchmarkError(exit, "", "Could not connect"); refusal(err) != "" || !errors.Is(err, exit) {
		t.Errorf("other failure: %v", err)
	}
	if got := refusal(nil); got != "" {
		t.Errorf("no error: %q", got)
	}
}

package main

import (
	"strings"
	"testing"
)

func TestRoundTicks(t *testing.T) {
	for top, expect := range map[float64]string{
		0.4:  "0",
		1.1:  "0 1",
		9:    "0 1 2 3 4 5 6 7 8 9",
		23.1: "0 5 10 15 20",
		430:  "0 50 100 150 200 250 300 350 400",
		2000: "0 200 400 600 800 1000 1200 1400 1600 1800 2000",
		6600: "0 1000 2000 3000 4000 5000 6000",
	} {
		var labels []string
		for _, tick := range (roundTicks{}).Ticks(0, top) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != expect {
			t.Errorf("ticks to %g: %s, expected %s", top, got, expect)
		}
	}
}

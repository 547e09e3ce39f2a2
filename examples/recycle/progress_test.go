package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	s := &sample{seconds: 12.4, phase: steady, heapSys: 394e6, heapAlloc: 311e6, heapIdle: 83e6, heapReleased: 1e6,
		makes: 1220, live: 147e6, rss: 347e6}
	for _, c := range []struct{ begin, end, want string }{
		{"", "\n", `mode                 seconds  phase     HeapSys  HeapAlloc  HeapIdle  HeapReleased   makes   live RSS MB
gc                  12 of 45  steady        394        311        83             1    1220    147    347
gc                  12 of 45  steady        394        311        83             1    1220    147    347
`},
		{"<", "", `mode                 seconds  phase     HeapSys  HeapAlloc  HeapIdle  HeapReleased   makes   live RSS MB
` + strings.Repeat(
			"<gc                  12 of 45  steady        394        311        83             1    1220    147    347",
			2) + "\n"},
	} {
		var out bytes.Buffer
		p := &progress{out: &out, mode: "gc", total: 45 * time.Second, begin: c.begin, end: c.end}
		p.show(s)
		p.show(s)
		p.done()
		if out.String() != c.want {
			t.Errorf("shown is\n%s\nexpected\n%s", out.String(), c.want)
		}
	}
}

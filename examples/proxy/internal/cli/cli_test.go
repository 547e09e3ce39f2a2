package cli

import (
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"1": 1, "1000": 1000, "8m": 8 << 20, "8M": 8 << 20, "3k": 3072, "2g": 2 << 30,
		"1024k": 1 << 20} {
		var got Size
		if err := got.Set(in); err != nil || got != want {
			t.Errorf("Set(%q) = %d, %v, want %d", in, got, err, want)
		}
		var again Size
		if err := again.Set(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q, which reads as %d, %v", in, got.String(), again, err)
		}
	}
	for _, in := range []string{"", "0", "0m", "-1", "m", "8mb", "1.5m", "+1", "9223372036854775808",
		"9007199254740992k"} {
		var got Size
		if err := got.Set(in); err == nil {
			t.Errorf("Set(%q) = %d, want an error", in, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for in, want := range map[string]Span{
		"0": {}, "10ms": {10 * time.Millisecond, 10 * time.Millisecond}, "5ms-1s": {5 * time.Millisecond, time.Second},
	} {
		var got Span
		if err := got.Set(in); err != nil || got != want {
			t.Errorf("Set(%q) = %v, %v, want %v", in, got, err, want)
		}
		var again Span
		if err := again.Set(got.String()); err != nil || again != got {
			t.Errorf("%q prints as %q, which reads as %v, %v", in, got.String(), again, err)
		}
	}
	for _, in := range []string{"", "5", "-5ms", "20ms-5ms", "5ms-", "-", "1ms-2ms-3ms"} {
		var got Span
		if err := got.Set(in); err == nil {
			t.Errorf("Set(%q) = %v, want an error", in, got)
		}
	}
}

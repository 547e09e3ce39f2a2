package vsz

import (
	"strings"
	"testing"
)

const smaps = `00400000-00685000 r-xp 00001000 fe:00 1001                               /srv/with  blanks/x (deleted)
Size:               2580 kB
Rss:                2324 kB
Pss:                2324 kB
VmFlags: rd ex mr mw me
7f2300000000-7f2300021000 rw-p 00000000 00:00 0
Size:                132 kB
Rss:                   4 kB
VmFlags: rd wr mr mw me nr
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Size:                  4 kB
Rss:                   0 kB
VmFlags: ex
`

func TestParseSmaps(t *testing.T) {
	all, err := parseSmaps(strings.NewReader(smaps))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d mappings, error %v; expected 2, without vsyscall", len(all), err)
	}
	want := vma{0x400000, 0x685000, "r-xp", 0x1000, "fe:00", 1001, "/srv/with  blanks/x (deleted)", 2324, "rd ex mr mw me"}
	if all[0] != want {
		t.Errorf("%+v, expected %+v", all[0], want)
	}
	if v := &all[1]; !v.anonymous() || !v.readWrite() || v.reserved() || !v.has("nr") || v.has("nh") || v.has("r ") ||
		v.kib() != 132 {
		t.Errorf("%+v: expected 132 KiB of anonymous memory, read-write, nr", all[1])
	}
}

func TestParseSmapsErrors(t *testing.T) {
	for _, text := range []string{
		"Rss: 4 kB\n",
		"00400000-zz rw-p 00000000 00:00 0\n",
		"00400000-00300000 rw-p 00000000 00:00 0\n",
		"00400000-00500000 rw 00000000 00:00 0\n",
		"00400000-00500000\n",
		"00400000-00500000 rw-p 00000000 00:00 0\nRss: many kB\n",
	} {
		if all, err := parseSmaps(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "smaps: ") {
			t.Errorf("%q: %+v, error %v; expected one that says what is wrong", text, all, err)
		}
	}
}

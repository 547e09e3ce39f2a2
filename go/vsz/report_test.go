package vsz

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The JSON is a format that others read.
func TestReportJSON(t *testing.T) {
	r := NewReport(&Program{Package: "example.com/x", Go: "go1.26"})
	measured := NewVariantReport(Variant{Name: "netcgo", Tags: []string{"netcgo"}})
	measured.Kinds = append(measured.Kinds, KindUsage{Kind: Other, Count: 1, VSZKiB: 4, RSSKiB: 4})
	r.Variants = append(r.Variants, measured, FailedVariant(Variant{Name: "nocgo"}, errors.New("why")))
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, got, "program", "go", "kernel", "cpus", "variants")
	if kernel, _ := got["kernel"].(string); !strings.HasPrefix(kernel, "Linux ") {
		t.Errorf("kernel %q, expected Linux and its release", kernel)
	}
	variants := got["variants"].([]any)
	for _, v := range variants {
		row := v.(map[string]any)
		wantKeys(t, row, "name", "cgo", "tags", "resolver", "libs", "binary_bytes", "vsz_kib", "rss_kib", "pss_kib",
			"threads", "mappings", "kinds", "syscalls")
		for _, list := range []string{"tags", "libs", "kinds"} {
			if _, ok := row[list].([]any); !ok {
				t.Errorf("%s is %v, expected a list, even of nothing", list, row[list])
			}
		}
	}
	kind := variants[0].(map[string]any)["kinds"].([]any)[0].(map[string]any)
	wantKeys(t, kind, "kind", "count", "vsz_kib", "rss_kib")
	if failed := variants[1].(map[string]any)["failed"]; failed != "why" {
		t.Errorf("failed is %v, expected why", failed)
	}
}

func wantKeys(t *testing.T, got map[string]any, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, ok := got[k]; !ok {
			t.Errorf("no %q in %v", k, got)
		}
	}
}

func TestKindsHaveWords(t *testing.T) {
	for _, k := range Kinds() {
		if k.About() == "" {
			t.Errorf("nothing is said about %s", k)
		}
	}
	if Kind("no such").About() != "" {
		t.Error("something is said about a kind that there is not")
	}
}

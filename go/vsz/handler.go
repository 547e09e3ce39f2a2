package vsz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
)

// WriteTable writes the kinds as a table for people.
func (e *Explanation) WriteTable(out io.Writer) error {
	fmt.Fprintf(out,
		"%s (process %d): VSZ %d KiB (peak %d), RSS %d KiB, PSS %d KiB, page tables %d KiB, %d threads, %d mappings\n\n",
		e.Program, e.PID, e.VSZKiB, e.VSZPeakKiB, e.RSSKiB, e.PSSKiB, e.PTEKiB, e.Threads, e.Mappings)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "kind\tcount\tVSZ KiB\tof it usable\tRSS KiB\t")
	for _, k := range e.Kinds {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t", k.Kind, k.Count, k.VSZKiB, k.CommittedKiB, k.RSSKiB)
		if k.Detail != "" {
			fmt.Fprint(w, "  ", k.Detail)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "all\t\t%d\t\t%d\t\n", e.VSZKiB, e.RSSKiB)
	return w.Flush()
}

// Handler serves [Self], for mounting at /debug/vsz: a table, or with ?format=json the Explanation.
func Handler() http.Handler { return http.HandlerFunc(serveSelf) }

func serveSelf(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return
	}
	e, err := Self()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var body bytes.Buffer
	contentType := "text/plain; charset=utf-8"
	switch format := r.FormValue("format"); format {
	case "", "text":
		err = e.WriteTable(&body)
	case "json":
		contentType = "application/json"
		enc := json.NewEncoder(&body)
		enc.SetIndent("", "  ")
		err = enc.Encode(e)
	default:
		http.Error(w, fmt.Sprintf("format=%q: expected text or json", format), http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	// The client may be gone.
	_, _ = body.WriteTo(w)
}

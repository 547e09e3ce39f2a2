package vsz

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// get returns an answer of the handler.
func get(t *testing.T, method, query string) (status int, contentType, body string) {
	t.Helper()
	server := httptest.NewServer(Handler())
	defer server.Close()
	req, err := http.NewRequest(method, server.URL+"/debug/vsz"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(data)
}

func TestHandler(t *testing.T) {
	status, contentType, body := get(t, http.MethodGet, "")
	if status != http.StatusOK || !strings.HasPrefix(contentType, "text/plain") {
		t.Errorf("status %d, %s", status, contentType)
	}
	for _, want := range []string{"VSZ", "Go heap", "main stack", os.Args[0]} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	status, contentType, body = get(t, http.MethodGet, "?format=json")
	var e Explanation
	if err := json.Unmarshal([]byte(body), &e); status != http.StatusOK || contentType != "application/json" ||
		err != nil {
		t.Fatalf("status %d, %s, error %v", status, contentType, err)
	}
	if e.PID != os.Getpid() {
		t.Errorf("process %d, expected this one, %d", e.PID, os.Getpid())
	}
	checkSums(t, &e)
	if status, _, body := get(t, http.MethodGet, "?format=xml"); status != http.StatusBadRequest ||
		!strings.Contains(body, `"xml"`) {
		t.Errorf("format=xml: status %d, %q", status, body)
	}
	if status, _, _ := get(t, http.MethodPost, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", status)
	}
}

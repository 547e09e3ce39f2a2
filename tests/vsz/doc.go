// Package vsz tests the command cmem vsz from outside: its results, its errors, and that it leaves nothing behind.
package vsz

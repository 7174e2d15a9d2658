//go:build js || wasip1 || plan9

package main

import "os"

func notifyMore(chan<- os.Signal) {}

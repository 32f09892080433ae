// Contends with zk.Lock of Debian's golang-github-samuel-go-zookeeper-dev, as contest.ts of test/bench/peers asks: see there.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

type scenario struct {
	Connect    string
	Path       string
	Contenders int
	Sessions   string
	Paths      string
	HoldMs     float64
	StartUp    bool
}

type result struct {
	Granted   int     `json:"granted"`
	All       int     `json:"all"`
	Seconds   float64 `json:"seconds"`
	CpuMicros int64   `json:"cpuMicros"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
}

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func dial(address string) *zk.Conn {
	conn, events, err := zk.Connect([]string{address}, 30*time.Second, zk.WithLogger(quiet{}))
	must(err)
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	go func() {
		for range events {
		}
	}()
	return conn
}

func cpuMicros() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (usage.Utime.Sec+usage.Stime.Sec)*1_000_000 + usage.Utime.Usec + usage.Stime.Usec
}

func percentile(sorted []float64, fraction float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := int(float64(len(sorted)) * fraction)
	if at >= len(sorted) {
		at = len(sorted) - 1
	}
	return sorted[at]
}

func run(locks []*zk.Lock, asked scenario, seconds float64) result {
	hold := time.Duration(asked.HoldMs * float64(time.Millisecond))
	samePath := asked.Paths == "same"
	alone := len(locks) == 1
	cpu, start := cpuMicros(), time.Now()
	end := start.Add(time.Duration(seconds * float64(time.Second)))
	last := start
	var mutex sync.Mutex
	var workers sync.WaitGroup
	var times []float64
	var released time.Time
	holders, granted, all := 0, 0, 0
	for _, lock := range locks {
		workers.Add(1)
		go func(lock *zk.Lock) {
			defer workers.Done()
			for {
				asking := time.Now()
				must(lock.Lock())
				held := time.Now()
				mutex.Lock()
				all++
				holders++
				if samePath && holders != 1 {
					must(fmt.Errorf("two hold at once"))
				}
				if !alone && !held.After(end) {
					granted++
					last = held
					if !samePath {
						times = append(times, held.Sub(asking).Seconds())
					} else if !released.IsZero() {
						times = append(times, held.Sub(released).Seconds())
					}
				}
				mutex.Unlock()
				if hold > 0 {
					time.Sleep(hold)
				}
				mutex.Lock()
				released = time.Now()
				holders--
				mutex.Unlock()
				must(lock.Unlock())
				done := time.Now()
				if alone {
					granted++
					last = done
					times = append(times, done.Sub(asking).Seconds())
				}
				if !done.Before(end) {
					return
				}
			}
		}(lock)
	}
	workers.Wait()
	sort.Float64s(times)
	return result{granted, all, last.Sub(start).Seconds(), cpuMicros() - cpu, percentile(times, 0.5) * 1e6, percentile(times, 0.99) * 1e6}
}

func main() {
	var asked scenario
	must(json.Unmarshal([]byte(os.Args[1]), &asked))
	acl := zk.WorldACL(zk.PermAll)
	if asked.StartUp {
		must(zk.NewLock(dial(asked.Connect), asked.Path, acl).Lock())
		fmt.Println(`{"held":true}`)
		return
	}
	locks := make([]*zk.Lock, asked.Contenders)
	var one *zk.Conn
	if asked.Sessions == "one" {
		one = dial(asked.Connect)
	}
	var dialling sync.WaitGroup
	places := make(chan bool, 20)
	for index := range locks {
		dialling.Add(1)
		go func(index int) {
			defer dialling.Done()
			places <- true
			defer func() { <-places }()
			conn, path := one, asked.Path
			if conn == nil {
				conn = dial(asked.Connect)
			}
			if asked.Paths == "each" {
				path += "-" + strconv.Itoa(index)
			}
			locks[index] = zk.NewLock(conn, path, acl)
		}(index)
	}
	dialling.Wait()
	fmt.Println(`{"ready":true}`)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		seconds, err := strconv.ParseFloat(lines.Text(), 64)
		must(err)
		text, err := json.Marshal(run(locks, asked, seconds))
		must(err)
		fmt.Println(string(text))
	}
}

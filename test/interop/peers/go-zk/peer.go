// go-zk at the other end of a pipe: one line of JSON per request and per answer.
//
// Every party ("who") has a session and a goroutine of its own. Ends with its standard input.
// Arguments: the connect string, the session timeout in milliseconds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

type request map[string]string

// claim is what kafka-kit's lock writes into its node, field by field.
type claim struct {
	Timestamp   time.Time   `json:"timestamp"`
	TTLDeadline time.Time   `json:"ttl_deadline"`
	OwnerID     interface{} `json:"owner_id"`
}

type party struct {
	conn     *zk.Conn
	locks    map[string]*zk.Lock
	requests chan request
}

type silent struct{}

func (silent) Printf(string, ...interface{}) {}

func (p *party) answer(asked request) (string, error) {
	path := asked["path"]
	everybody := zk.WorldACL(zk.PermAll)
	switch asked["do"] {
	case "open":
		timeout, err := strconv.Atoi(os.Args[2])
		if err != nil {
			return "", err
		}
		conn, events, err := zk.Connect(strings.Split(os.Args[1], ","),
			time.Duration(timeout)*time.Millisecond, zk.WithLogger(silent{}))
		if err != nil {
			return "", err
		}
		p.conn = conn
		for event := range events {
			if event.State == zk.StateHasSession {
				break
			}
		}
		go func() {
			for range events {
			}
		}()
		return strconv.FormatUint(uint64(conn.SessionID()), 16), nil
	case "close":
		p.conn.Close()
		return "", nil
	case "lock":
		if p.locks[path] == nil {
			p.locks[path] = zk.NewLock(p.conn, path, everybody)
		}
		if err := p.locks[path].Lock(); err != nil {
			return "", err
		}
		// The package keeps the claim's path to itself.
		return reflect.ValueOf(p.locks[path]).Elem().FieldByName("lockPath").String(), nil
	case "unlock":
		return "", p.locks[path].Unlock()
	case "write a claim as kafka-kit does":
		now := time.Now()
		bytes, err := json.Marshal(claim{now, now.Add(time.Hour), asked["owner"]})
		if err != nil {
			return "", err
		}
		return p.conn.CreateProtectedEphemeralSequential(path+"/lock-", bytes, everybody)
	case "read a claim as kafka-kit does":
		bytes, _, err := p.conn.Get(path)
		if err != nil {
			return "", err
		}
		var read claim
		if err := json.Unmarshal(bytes, &read); err != nil {
			return "", err
		}
		told, err := json.Marshal(map[string]interface{}{
			"owner":   read.OwnerID,
			"expired": time.Now().After(read.TTLDeadline),
			"age_ms":  time.Since(read.Timestamp).Milliseconds(),
		})
		return string(told), err
	case "read number":
		bytes, _, err := p.conn.Get(path)
		return string(bytes), err
	case "write number":
		_, err := p.conn.Set(path, []byte(asked["count"]), -1)
		return "", err
	}
	return "", fmt.Errorf("what is %v", asked)
}

var speaking sync.Mutex

func say(message map[string]string) {
	bytes, _ := json.Marshal(message)
	speaking.Lock()
	defer speaking.Unlock()
	fmt.Println(string(bytes))
}

func (p *party) serveOne(asked request) {
	value, err := p.answer(asked)
	if err != nil {
		say(map[string]string{"answer": asked["id"], "error": err.Error()})
	} else {
		say(map[string]string{"answer": asked["id"], "value": value})
	}
}

func (p *party) serve() {
	for asked := range p.requests {
		p.serveOne(asked)
	}
}

func main() {
	parties := map[string]*party{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		who := asked["who"]
		if parties[who] == nil {
			parties[who] = &party{locks: map[string]*zk.Lock{}, requests: make(chan request, 16)}
			go parties[who].serve()
		}
		if asked["do"] == "close" {
			// Does not wait: it ends what its party waits for.
			go parties[who].serveOne(asked)
		} else {
			parties[who].requests <- asked
		}
	}
}

// Elector contends for one Lease with client-go's leader election, as controllers written in Go do, and does nothing
// else. It tells what becomes of it in JSON lines: "observed" (a leader, as seen here), "leading" and "stopped".
//
// SIGTERM ends its work first and then gives the Lease back: client-go releases before it calls OnStoppedLeading, so
// whoever sets ReleaseOnCancel must have stopped before cancelling.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type line struct {
	Timestamp time.Time `json:"timestamp"`
	Event     string    `json:"event"`
	Leader    string    `json:"leader"`
}

// story is what this process tells; its callers are client-go's goroutines and the one that waits for SIGTERM.
type story struct {
	mutex   sync.Mutex
	me      string
	leading bool
}

func (s *story) observed(leader string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tell("observed", leader)
}

func (s *story) leads() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.leading = true
	s.tell("leading", s.me)
}

// stops says so once, whether the end came by a signal or because the Lease was lost.
func (s *story) stops() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.leading {
		s.leading = false
		s.tell("stopped", s.me)
	}
}

func (s *story) tell(event, leader string) {
	if err := json.NewEncoder(os.Stdout).Encode(line{time.Now().UTC(), event, leader}); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	namespace := flag.String("namespace", "", "where the Lease lives")
	name := flag.String("lease", "", "the Lease to contend for")
	identity := flag.String("identity", "", "the name to hold it by")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "")
	flag.Parse()

	leases, err := client(*kubeconfig, *renewDeadline)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	told := &story{me: *identity}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		told.stops()
		cancel()
	}()
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: *name},
			Client:     leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
		},
		LeaseDuration:   *leaseDuration,
		RenewDeadline:   *renewDeadline,
		RetryPeriod:     *retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { told.leads() },
			OnStoppedLeading: told.stops,
			OnNewLeader:      told.observed,
		},
	})
}

// client is made as client-go's own NewFromKubeconfig makes it: a request may take half of the renew deadline.
func client(kubeconfig string, renewDeadline time.Duration) (*coordination.CoordinationV1Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.Timeout = renewDeadline / 2
	return coordination.NewForConfig(config)
}

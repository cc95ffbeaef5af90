/*
 * The ring protocol of node/src/chord as a model for Spin: join, stabilize in its two steps,
 * rectify and failure, interleaved wherever the code awaits. Spin visits every reachable state
 * and checks in each the invariant of Zave, "Reasoning about identifier spaces: how to make Chord
 * correct" (IEEE TSE 43(12), 2017). docs/model.md maps it to the code function by function.
 *
 * Identifiers are 0..N-1, so node n stands at place n of the circle; an identifier that is no
 * member's is one that nobody uses yet. What is compiled in:
 *
 *   N           identifiers, so also the most nodes that there can be
 *   R           length of a full successor list
 *   FOUNDERS    bit set of the nodes of the ideal ring at the start
 *   JOINS       joins in one run, at most
 *   FAILS       failures in one run, at most
 *   RETURN      a node that failed may join again; without it, it stays away
 *   SPLIT       an answer is applied some time after it was given
 *   WAITS       a query is answered some time after it was sent, and the asker may give up first
 *   KEEP_BEST   a node keeps only the best notify; without it, all, and acts on them in any order
 *   GROWING     fewer than R+1 founders; nobody fails before R+1 nodes are principals
 *   SMALL       rings below R+1 nodes: all but one may fail at once, and any number join at once,
 *               each time when the ring is ideal
 *   PROGRESS    only operations that have an effect; then every run must end in an ideal ring
 *   SHOW        prints the ring after each step of a counterexample
 *   SHORTEST    keeps the scratch variables in the state, which a breadth-first search needs
 *
 * The breakages, each of which the search must find:
 *
 *   NO_BUSY        a node answers state queries while it holds an answer itself
 *   NO_PING        rectify takes every notify without pinging the old predecessor
 *   UNCONTACTED    rectify believes a notify without contacting its sender, as in Zave's model
 *   KEEP_DEAD      rectify does not ping either, and so never replaces a predecessor that is gone
 *   UNSEEN         stabilize adopts the node between without contacting it
 *   ONE_SUCCESSOR  a joiner takes one successor instead of the whole list
 *   STALE_COMPLETE a joiner believes that a list is still the whole ring, and puts its sender last
 */
#ifndef N
#define N 5
#endif
#ifndef R
#define R 2
#endif
#ifndef FOUNDERS
#define FOUNDERS 7
#endif
#ifndef JOINS
#define JOINS 2
#endif
#ifndef FAILS
#define FAILS 2
#endif

#define NONE N       /* no node */
#define TELL (N + 1) /* as the next thing to do: notify the first successor */

#define BIT(x) (1 << (x))
#define DISTANCE(from, to) (((to) + N - (from)) % N)
/* Strictly clockwise between; the whole circle but a where both ends are the same. */
#define BETWEEN(a, x, b) ((x) != (a) && (x) != (b) && ((a) == (b) || \
  DISTANCE(a, x) < DISTANCE(a, b)))
#define COUNT(set) (((set) & 1) + ((set) >> 1 & 1) + ((set) >> 2 & 1) + ((set) >> 3 & 1) + \
  ((set) >> 4 & 1) + ((set) >> 5 & 1) + ((set) >> 6 & 1) + ((set) >> 7 & 1))

mtype = {
  idle,      /* holds no lock */
  asking,    /* sent a state query to its first successor */
  answered,  /* holds an answer that it has not applied yet */
  candidate, /* sent a state query to the node between it and its first successor */
  bereft,    /* has just dropped its last successor, and sees whether it is the whole ring */
  pinged     /* knows that its predecessor is gone and has not replaced it yet */
};

typedef Node {
  bool member;
  byte pred;
  byte succ[R];  /* nearest first, NONE behind the last */
  bool complete; /* succ is the whole rest of the ring, as far as the node knows */
  mtype phase = idle;
  /* Whom it asks (candidate), whom it will take as predecessor (pinged), or what it does when it
   * has applied its answer: ask this node, TELL or nothing (answered). */
  byte then;
  byte due[R];   /* what the answer that it holds makes of its list */
  bool dueComplete;
  byte mail      /* bit set of the nodes whose notify was sent and not acted on yet */
};

Node ring[N];
byte joins = JOINS;
byte fails = FAILS;
byte away;        /* bit set of the nodes that failed for good */

/*
 * Results of the last check, which are functions of the state: kept because a guard needs them.
 */
byte principals;  /* bit set of the members that no adjacent pair of any list skips */
byte mortal;      /* bit set of the members whose failure Zave's assumption allows */
#ifdef GROWING
bool grown;       /* there were R+1 principals once */
#endif
#ifdef SMALL
bool stirred;     /* somebody joined since the ring was ideal last */
bool broken;      /* somebody failed since the ring was ideal last */
#endif
#ifdef PROGRESS
byte restless;    /* bit set of the members whose stabilization would have an effect */
bool ideal;       /* all pointers are as they should be */
bool quiet;       /* no operation is under way and no notify waits */
#endif

/* Scratch of one step: no part of the state, as "hidden" says. */
#ifdef SHORTEST
#define SCRATCH
#else
#define SCRATCH hidden
#endif
SCRATCH byte i, j, k, x, last, at, todo;
SCRATCH byte list[R];
SCRATCH byte whole, same;
SCRATCH byte members, live, once, twice, before, settled, count;
SCRATCH byte failed; /* the bit of the node that fails in this step */
SCRATCH byte change; /* this step changes who is a member */
SCRATCH byte skipped[N];
SCRATCH byte best[N];

/* ---- lists: successor-list.ts --------------------------------------------------------------- */

/* One turn of the loop of successorList(): takes x, or ends the list. */
inline hear(self) {
  if
  :: x == NONE -> skip
  :: x == self -> whole = true; k = R + 1
  :: x != NONE && x != self && (k >= R || !BETWEEN(last, x, self)) -> whole = false; k = R + 1
  :: else -> list[k] = x; last = x; k++
  fi
}

inline clearList() {
  for (i : 0 .. R - 1) { list[i] = NONE }
  k = 0
}

/* What a sender says of its own list says nothing of a ring in which it does not know us yet. */
#ifdef STALE_COMPLETE
#define CLOSED(sender) ring[sender].complete
#define CLOSED_BEHIND(sender) (ring[sender].complete && ring[sender].succ[R - 1] == NONE)
#else
#define CLOSED(sender) false
#define CLOSED_BEHIND(sender) false
#endif

/* list, whole := successorList(self, [first, ...its list]). */
inline listBehind(self, first) {
  clearList();
  last = self;
  whole = CLOSED(first);
  x = first;
  hear(self);
  for (i : 0 .. R - 1) {
    x = (k > R -> NONE : ring[first].succ[i]);
    hear(self)
  }
}

/* list, whole := the joiner's list from the node before it (join.ts, listAfter). */
inline listOfJoiner(self, through) {
  clearList();
  last = self;
  whole = CLOSED_BEHIND(through);
  at = 0;
  for (i : 0 .. R - 1) {
    x = (k > R || ring[through].succ[i] == self -> NONE : ring[through].succ[i]);
    at = (x == NONE -> at : at + 1);
    hear(self)
  }
  if
  :: (CLOSED_BEHIND(through) || at == 0) && k <= R -> x = through; hear(self)
  :: else -> skip
  fi;
#ifdef ONE_SUCCESSOR
  for (i : 1 .. R - 1) { list[i] = NONE }
  whole = false;
#endif
}

/* The list of n as it counts for the invariant: its own is undefined while it holds an answer. */
#define LIST(n, i) (ring[n].phase == answered -> ring[n].due[i] : ring[n].succ[i])

/* ---- what must hold -------------------------------------------------------------------------- */

/* Zave's principals, and who may fail: a failure may take neither the last live node of a list,
 * held or on its way, nor a principal when only R+1 are left. */
inline survey() {
  members = 0;
  for (i : 0 .. N - 1) { members = (ring[i].member -> members | BIT(i) : members) }
  once = 0; twice = 0; mortal = members;
  for (i : 0 .. N - 1) {
    skipped[i] = 0;
    if
    :: !ring[i].member && ring[i].phase != answered -> skip
    :: else ->
      last = i; live = 0;
      for (j : 0 .. R - 1) {
        x = LIST(i, j);
        if
        :: x == NONE -> break
        :: else ->
          k = (last + 1) % N;
          do
          :: k == x -> break
          :: else -> skipped[i] = skipped[i] | BIT(k); k = (k + 1) % N
          od;
          live = live | (members & BIT(x));
          last = x
        fi
      }
      twice = twice | (once & skipped[i]);
      once = once | skipped[i];
#ifndef SMALL
      assert(live != 0); /* every member has a live successor */
      mortal = (COUNT(live) == 1 -> mortal & ~live : mortal);
#endif
    fi
  }
  principals = members & ~once;
#ifdef SMALL
  assert(members != 0); /* the ring is never lost while a node lives */
#else
  for (i : 0 .. N - 1) {
    x = COUNT(members & ~BIT(i) & ~(twice | (once & ~skipped[i])));
    mortal = ((principals & BIT(i)) && x < R + 1 -> mortal & ~BIT(i) : mortal)
  }
#endif
}

/* Lists go clockwise, without self and without repeats. */
inline checkLists() {
  for (i : 0 .. N - 1) {
    last = i;
    for (j : 0 .. R - 1) {
      x = LIST(i, j);
      if
      :: !ring[i].member || x == NONE -> break
      :: else -> assert(BETWEEN(last, x, i)); last = x
      fi
    }
  }
}

/* Following first live successors, every member comes to one and the same ordered ring. */
inline checkOneRing() {
  for (i : 0 .. N - 1) {
    best[i] = NONE;
    if
    :: ring[i].member ->
      for (j : 0 .. R - 1) {
        x = LIST(i, j);
        best[i] = (best[i] == NONE && x != NONE && (members & BIT(x)) -> x : best[i])
      }
    :: else -> skip
    fi
  }
  last = NONE; live = 0;
  for (i : 0 .. N - 1) {
    at = i;
    if
    :: ring[i].member ->
      for (j : 1 .. N) { at = best[at] }
      if
      :: last == NONE -> /* the ring itself, walked once round from a node that lies on it */
        last = at; k = 0;
        do
        :: live = live | BIT(at); k = k + DISTANCE(at, best[at]); at = best[at];
          if
          :: at == last -> break
          :: else -> skip
          fi
        od;
        assert(k == N) /* once round: ordered */
      :: else -> assert(live & BIT(at)) /* no second ring */
      fi
    :: else -> skip
    fi
  }
}

#ifdef PROGRESS
/* list, whole := what the list of n should be. */
inline idealList(n) {
  clearList();
  for (at : 1 .. N - 1) {
    x = (n + at) % N;
    if
    :: k < R && ring[x].member -> list[k] = x; k++
    :: else -> skip
    fi
  }
  whole = (COUNT(members) - 1 <= R)
}

/* same := whether the list of n is list, whole. */
inline compareList(n) {
  same = (ring[n].complete == whole);
  for (i : 0 .. R - 1) { same = (same && ring[n].succ[i] == list[i]) }
}

/* A notify from n to q would change the predecessor of q, and none that does as much waits. */
#ifdef KEEP_BEST
#define WAITING(n, q) (ring[q].mail != 0)
#else
#define WAITING(n, q) (ring[q].mail & BIT(n))
#endif
#define WOULD_TELL(n, q) (ring[q].pred != n && !WAITING(n, q) && \
  (ring[q].pred == NONE || BETWEEN(ring[q].pred, n, q) || !ring[ring[q].pred].member))

/* ideal := Zave's: each list is the next R members and each predecessor is the one before. */
inline checkIdeal() {
  ideal = true; quiet = true;
  for (j : 0 .. N - 1) {
    quiet = (quiet && ring[j].phase == idle && ring[j].mail == 0);
    if
    :: ring[j].member ->
      idealList(j);
      compareList(j);
      ideal = (ideal && same);
      for (at : 1 .. N) { /* up to itself, which is right in a ring of one */
        x = (j + N - at) % N;
        if
        :: ring[x].member -> ideal = (ideal && ring[j].pred == x); break
        :: else -> skip
        fi
      }
    :: else -> skip
    fi
  }
}

/* restless := whose stabilization would change a list, ask a candidate or tell something new. */
inline checkRestless() {
  restless = 0;
  for (j : 0 .. N - 1) {
    if
    :: !ring[j].member || ring[j].phase != idle -> same = true
    :: ring[j].member && ring[j].phase == idle && ring[j].succ[0] == NONE ->
      same = (ring[j].pred == j && ring[j].complete)
    :: ring[j].member && ring[j].phase == idle && ring[j].succ[0] != NONE ->
      at = ring[j].succ[0];
      listBehind(j, at);
      compareList(j);
      x = ring[at].pred;
      same = (same && ring[at].member && !WOULD_TELL(j, at));
      if
      :: x != NONE && BETWEEN(j, x, at) -> same = (same && !ring[x].member)
      :: else -> skip
      fi
    fi;
    restless = (same -> restless : restless | BIT(j))
  }
}
#endif

/* Ends every step. */
inline check() {
  before = principals;
  survey();
  checkLists();
  count = COUNT(principals);
#ifdef GROWING
  grown = (grown || count >= R + 1);
  mortal = (grown -> mortal : 0);
  assert(!grown || count >= R + 1);
#endif
#ifndef SMALL
  assert((before & ~principals & ~failed) == 0); /* only a failure makes a principal less */
#ifndef GROWING
  assert(count >= R + 1);
#endif
  checkOneRing();
#endif
#ifdef PROGRESS
  settled = ideal;
  checkIdeal();
  checkRestless();
#ifdef SMALL
  stirred = (!ideal && (stirred || change && !failed));
  broken = (!ideal && (broken || failed));
  mortal = (stirred || COUNT(members) == 1 -> 0 : members);
#endif
#ifndef SPLIT
  assert(!settled || ideal || change);      /* an ideal ring stays so till the next change */
#endif
  assert(!ideal || !quiet || restless == 0) /* and then nothing has an effect any more */
#endif
  report();
  failed = 0; change = false;
  clear()
}

inline printNode(n) {
  if
  :: n < N -> printf("%d", n)
  :: else -> printf("-")
  fi
}

/* One line: of each member its predecessor, itself and its list. */
inline report() {
#ifdef SHOW
  printf("    ");
  for (i : 0 .. N - 1) {
    if
    :: ring[i].member ->
      printf("  ");
      printNode(ring[i].pred);
      printf("<%d>", i);
      for (j : 0 .. R - 1) { printNode(ring[i].succ[j]) }
      if
      :: ring[i].phase != idle -> printf(" %e", ring[i].phase)
      :: else -> skip
      fi
    :: else -> skip
    fi
  }
  printf("\n")
#else
  skip
#endif
}

inline clear() {
#ifdef SHORTEST
  for (i : 0 .. N - 1) { skipped[i] = 0; best[i] = 0 }
  for (i : 0 .. R - 1) { list[i] = 0 }
  i = 0; j = 0; k = 0; x = 0; last = 0; at = 0; todo = 0; whole = 0; same = 0;
  members = 0; live = 0; once = 0; twice = 0; before = 0; settled = 0; count = 0
#else
  skip
#endif
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The callee answers a state query now: the busy rule (server.ts, #state). */
#ifdef NO_BUSY
#define ANSWERS(q) (ring[q].member)
#else
#define ANSWERS(q) (ring[q].member && ring[q].phase == idle)
#endif

#ifdef WAITS
#define READY asking
#else
#define READY idle
#endif

#ifdef PROGRESS
#define USEFUL(n) (restless & BIT(n))
#define MAY_GIVE_UP(peer) (!ring[peer].member)
#else
#define USEFUL(n) (true)
#define MAY_GIVE_UP(peer) (true)
#endif

inline forget(n) {
  for (i : 0 .. R - 1) { ring[n].due[i] = NONE }
  ring[n].dueComplete = false;
  ring[n].then = NONE;
  ring[n].phase = idle
}

inline notify(n) {
  x = ring[n].succ[0];
  if
  :: x != NONE && ring[x].member ->
#ifdef KEEP_BEST
    for (i : 0 .. N - 1) {
      if
      :: (ring[x].mail & BIT(i)) && !BETWEEN(i, n, x) && i != n -> break
      :: else -> skip
      fi
    }
    ring[x].mail = (i == N -> BIT(n) : ring[x].mail)
#else
    ring[x].mail = ring[x].mail | BIT(n)
#endif
  :: else -> skip
  fi
}

/* The list on its way becomes the node's own; then the next part of the operation. */
inline apply(n) {
  for (i : 0 .. R - 1) { ring[n].succ[i] = ring[n].due[i] }
  ring[n].complete = ring[n].dueComplete;
  ring[n].member = true;
  x = ring[n].then;
  forget(n);
  if
#ifdef SMALL
  :: ring[n].succ[0] == NONE -> ring[n].phase = bereft
#endif
  :: ring[n].succ[0] != NONE && x == NONE -> skip
  :: x == TELL -> notify(n)
  :: x < N -> ring[n].then = x; ring[n].phase = candidate
  fi
}

/* n holds an answer: its list is to be list, whole, and then it does this. */
inline take(n, next) {
  for (i : 0 .. R - 1) { ring[n].due[i] = list[i] }
  ring[n].dueComplete = whole;
  ring[n].then = next;
  ring[n].phase = answered;
#ifndef SPLIT
  apply(n)
#endif
}

/* Stabilize, step one: the first successor answers. */
inline hearSuccessor(n) {
  at = ring[n].succ[0];
  printf("%d asks its successor %d, which answers\n", n, at);
  x = ring[at].pred;
  todo = (x == n -> NONE : (x != NONE && BETWEEN(n, x, at) -> x : TELL));
  listBehind(n, at);
#ifdef UNSEEN
  /* Adopts the node between without asking it. */
  if
  :: todo < N ->
    for (i : 1 .. R - 1) { list[R - i] = list[R - i - 1] }
    list[0] = todo; todo = TELL
  :: else -> skip
  fi;
#endif
  take(n, todo)
}

/* The first successor is gone: the list gets shorter, nothing fills it up. */
inline dropSuccessor(n) {
  printf("%d finds its successor %d gone\n", n, ring[n].succ[0]);
  clearList();
  for (i : 1 .. R - 1) { list[i - 1] = ring[n].succ[i] }
  whole = ring[n].complete;
  take(n, NONE)
}

/* Stabilize, step two: the node between answers. */
inline hearCandidate(n) {
  at = ring[n].then;
  printf("%d asks the node between, %d, which answers\n", n, at);
  todo = (ring[at].pred == n -> NONE : TELL);
  listBehind(n, at);
  take(n, todo)
}

inline giveCandidateUp(n) {
  printf("%d gets no answer of the node between, %d\n", n, ring[n].then);
  forget(n);
  notify(n)
}

#define REPLACES(n, m) (ring[n].pred == NONE || ring[n].pred == m || \
  BETWEEN(ring[n].pred, m, n))

/* Rectify: n acts on the notify of m. */
inline rectify(n, m) {
  printf("%d acts on the notify of %d\n", n, m);
  ring[n].mail = ring[n].mail & ~BIT(m);
  if
#ifdef NO_PING
  :: true -> ring[n].pred = m
#else
  :: REPLACES(n, m) -> ring[n].pred = m
#ifndef KEEP_DEAD
  :: !REPLACES(n, m) && !ring[ring[n].pred].member ->
#ifdef SPLIT
    ring[n].then = m; ring[n].phase = pinged
#else
    ring[n].pred = m
#endif
#endif
  :: else -> skip
#endif
  fi
}

/* The sender of the notify does not answer any more. */
inline ignore(n, m) {
  printf("%d drops the notify of %d, which is gone\n", n, m);
  ring[n].mail = ring[n].mail & ~BIT(m)
}

inline replacePredecessor(n) {
  printf("%d replaces its predecessor, which is gone, by %d\n", n, ring[n].then);
  ring[n].pred = ring[n].then;
  forget(n)
}

/* Whether j lies between m and the first of m's list that is not j itself. */
#define FIRST_BEHIND(m, j) (ring[m].succ[0] == j -> ring[m].succ[1] : ring[m].succ[0])
#define PRECEDES(m, j) (m != j && ANSWERS(m) && (FIRST_BEHIND(m, j) == NONE || \
  BETWEEN(m, j, FIRST_BEHIND(m, j))))
#ifdef SMALL
#define WHOLE (!broken)
#else
#define WHOLE true
#endif
#define MAY_JOIN(n) (WHOLE && joins > 0 && !ring[n].member && ring[n].phase == idle && \
  !(away & BIT(n)))

inline join(n, m) {
  printf("%d joins, with the list of %d\n", n, m);
  listOfJoiner(n, m);
  ring[n].pred = NONE;
  ring[n].mail = 0;
  joins--;
  change = true;
  take(n, NONE)
}

inline fail(n) {
  printf("%d fails\n", n);
  fails--;
  failed = BIT(n); change = true;
  ring[n].member = false;
  ring[n].pred = NONE;
  ring[n].complete = false;
  ring[n].mail = 0;
  for (i : 0 .. R - 1) { ring[n].succ[i] = NONE }
  forget(n);
#ifndef RETURN
  away = away | BIT(n)
#endif
}

#ifdef SMALL
/* Everything of a lost list: stabilizeAlone() and recover(), each in one step. */
#define NOBODY_BEFORE(n) (ring[n].pred == NONE || ring[n].pred == n || \
  !ring[ring[n].pred].member)
#define ALONE(n) (ring[n].member && ring[n].succ[0] == NONE && \
  (ring[n].phase == idle || ring[n].phase == bereft))
inline followPredecessor(n) {
  printf("%d has no successor and goes on with %d\n", n, ring[n].pred);
  at = ring[n].pred;
  todo = (ring[at].pred == n -> NONE : TELL);
  listBehind(n, at);
  take(n, todo)
}
inline becomeAlone(n) {
  printf("%d is the whole ring\n", n);
  ring[n].pred = n;
  forget(n)
}
inline abandon(n) {
  printf("%d lost every other member and looks for the ring again\n", n);
  ring[n].member = false;
  ring[n].pred = NONE;
  ring[n].mail = 0;
  forget(n);
  joins++;
  change = true
}
#endif

/* The sender of a notify is contacted first. Where steps are split, that was some time ago. */
#if defined(SPLIT) || defined(UNCONTACTED)
#define CONTACTED(m) true
#else
#define CONTACTED(m) ring[m].member
#endif
#define FREE(n) (ring[n].member && ring[n].phase == idle)
#define ASKS(n) (ring[n].member && ring[n].phase == READY && ring[n].succ[0] != NONE)
#define RECTIFY(m) d_step { FREE(n) && (ring[n].mail & BIT(m)) && CONTACTED(m) -> rectify(n, m) } \
  :: d_step { (ring[n].mail & BIT(m)) && !ring[m].member -> ignore(n, m) }
#define JOIN(m) d_step { MAY_JOIN(n) && PRECEDES(m, n) -> join(n, m) }

/* One step, then the check of the state that it leads to. */
proctype node(byte n) {
end:
  do
  :: atomic {
    if
#ifdef WAITS
    :: d_step { FREE(n) && ring[n].succ[0] != NONE ->
        printf("%d sends its successor a query\n", n); ring[n].phase = asking }
    :: d_step { ring[n].phase == asking -> printf("%d gives up\n", n); forget(n) }
#endif
    :: d_step { ASKS(n) && USEFUL(n) && ANSWERS(ring[n].succ[0]) -> hearSuccessor(n) }
    :: d_step { ASKS(n) && !ring[ring[n].succ[0]].member -> dropSuccessor(n) }
#ifdef SPLIT
    :: d_step { ring[n].phase == answered -> printf("%d applies the answer\n", n); apply(n) }
    :: d_step { ring[n].phase == pinged -> replacePredecessor(n) }
#endif
    :: d_step { ring[n].phase == candidate && ANSWERS(ring[n].then) -> hearCandidate(n) }
    :: d_step { ring[n].phase == candidate && MAY_GIVE_UP(ring[n].then) -> giveCandidateUp(n) }
    :: RECTIFY(0)
    :: RECTIFY(1)
#if N > 2
    :: RECTIFY(2)
#endif
#if N > 3
    :: RECTIFY(3)
#endif
#if N > 4
    :: RECTIFY(4)
#endif
#if N > 5
    :: RECTIFY(5)
#endif
    :: JOIN(0)
    :: JOIN(1)
#if N > 2
    :: JOIN(2)
#endif
#if N > 3
    :: JOIN(3)
#endif
#if N > 4
    :: JOIN(4)
#endif
#if N > 5
    :: JOIN(5)
#endif
    :: d_step { fails > 0 && (mortal & BIT(n)) -> fail(n) }
#ifdef SMALL
    :: d_step { ALONE(n) && ring[n].pred != NONE && ring[n].pred != n &&
        ANSWERS(ring[n].pred) -> followPredecessor(n) }
    :: d_step { ALONE(n) && ring[n].complete && NOBODY_BEFORE(n) &&
        (ring[n].pred != n || ring[n].phase == bereft) -> becomeAlone(n) }
    :: d_step { ALONE(n) && !ring[n].complete && NOBODY_BEFORE(n) -> abandon(n) }
#endif
    fi;
    d_step { check() }
  }
  od
}

#ifdef PROGRESS
/* At any moment the last join and failure may have been; when nothing can move any more, the ring
 * is ideal. */
active proctype monitor() {
  do
  :: d_step { joins + fails > 0 -> printf("no more joins and failures\n"); joins = 0; fails = 0 }
  :: timeout -> assert(ideal); break
  od
}
#endif

inline found() {
  for (j : 0 .. N - 1) {
    forget(j);
    ring[j].pred = NONE;
    clearList();
    if
    :: (FOUNDERS & BIT(j)) ->
      ring[j].member = true;
      ring[j].complete = (COUNT(FOUNDERS) <= R + 1);
      for (at : 1 .. N) {
        x = (j + at) % N;
        if
        :: x != j && (FOUNDERS & BIT(x)) && k < R -> list[k] = x; k++
        :: else -> skip
        fi;
        if
        :: (FOUNDERS & BIT(x)) && (x != j || COUNT(FOUNDERS) == 1) -> ring[j].pred = x
        :: else -> skip
        fi
      }
    :: else -> skip
    fi;
    for (i : 0 .. R - 1) { ring[j].succ[i] = list[i] }
  }
}

init {
  d_step { found(); check() };
  atomic {
    for (at : 0 .. N - 1) { run node(at) }
  }
}

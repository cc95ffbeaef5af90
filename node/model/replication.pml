/*
 * One partition of the data layer as a model for Spin: numbered views of replicas, a proposer that
 * wins a whole partition with one ballot, writes that a majority of one view accepts, and changes
 * of the view that seal the old one before the new one begins. Spin visits every reachable state.
 * What is checked in each is linearizability of every key as clients can observe it, one decision
 * for each view, and that what a client knows of is held somewhere. docs/model.md has the rest.
 *
 * Any step may come at any moment, so messages may be late or lost, and nodes slow, paused or
 * crashed and back with their disk. What is compiled in:
 *
 *   K         keys of the partition, 1 or 2
 *   VIEW      bit set of the members of the first view, among four nodes
 *   EPOCHS    views in one run, at most
 *   BALLOTS   proposers in one run, at most
 *   PUTS      writes of clients, at most; a put is a compare-and-set on what the proposer knows
 *   APART     of two puts each is of a key of its own
 *   WRITES    all writes: those, and the merges of records that a proposer found to differ
 *   CHANGES   proposals of a next view, at most
 *   SEQUENTIAL  one proposal for each epoch, so no rivals
 *   LOSSES    disks lost, at most: that member is gone for good, its successor is another one
 *   KEEPING   a change may also propose the view as it is, which frees its sealed members
 *   STEPWISE  records are gathered from one replica after the other, else from two at once
 *   REPAIR    active replicas of a view copy records from each other
 *   NO_RETIRE who is no member any more keeps its records
 *   SHOW      prints the replicas after each step of a counterexample
 *   SHORTEST  keeps the scratch variables in the state, which a breadth-first search needs
 *
 * The breakages, each of which the search must find:
 *
 *   ANSWERS_SEALED     a sealed replica goes on to answer in its view
 *   MIXED_EPOCHS       a replica of a later view answers in an earlier one
 *   NON_MEMBERS        a majority counts replicas that are no members of the view
 *   REBORN             a member that lost its disk comes back as the same member
 *   FORGETFUL          a promise does not survive a restart
 *   OLDER_APPLIES      a write that is overtaken by a later one of its proposer is applied after it
 *   NO_MERGE           a proposer uses the newest record it read before a majority holds it
 *   UNCONFIRMED        a get is answered without asking a majority
 *   CONFIRMED_EARLIER  a get is answered by a majority that was asked before it began
 *   READS_UNCOMMITTED  a get does not wait for a write of its key that is under way
 *   ONE_SOURCE         a member of the next view begins with the records of one replica
 *   UNSEALED_SOURCE    it takes records from replicas that are not sealed
 *   EARLY_RETIRE       a replica forgets its records before all members of the next view have them
 *   EAGER_VOTE         a member votes on the view after its own before it has its own records
 *   FRESH_PROPOSAL     a change does not take over what a majority may have accepted already
 */
#ifndef K
#define K 1
#endif
#ifndef VIEW
#define VIEW 7
#endif
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef BALLOTS
#define BALLOTS 2
#endif
#ifndef PUTS
#define PUTS 2
#endif
#ifndef WRITES
#define WRITES 3
#endif
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef LOSSES
#define LOSSES 0
#endif

#define N 4
#define BIT(x) (1 << (x))
#define COUNT(set) (((set) & 1) + ((set) >> 1 & 1) + ((set) >> 2 & 1) + ((set) >> 3 & 1))
#define MAJORITY(set, members) (2 * COUNT((set) & (members)) > COUNT(members))

/* What is on a replica's disk. */
typedef Replica {
  unsigned epoch : 2;          /* of the view that it is or was active in; 0: none yet */
  bool sealed;                 /* it answers no proposer of that view any more */
  unsigned promised : 2;       /* highest ballot of a proposer that it promised in that view */
  byte stamp[K];               /* of the record of each key; 0: none */
  byte value[K];
  unsigned changePromised : 2; /* of the decision on the view after its own */
  unsigned changeAccepted : 2;
  unsigned changeValue : 4;
  unsigned target : 2;         /* view that it gathers records for, and from whom it has them */
  unsigned heard : 4;
  bool lost
}

mtype = { unread, merging, known };

/* What a proposer keeps in memory; the number of it is its ballot. */
typedef Proposer {
  unsigned epoch : 2;
  unsigned promises : 4;       /* replicas that promised, as long as they are no majority */
  unsigned count : 4;          /* writes that it made */
  bool over;                   /* nothing it does has an effect any more */
  mtype key[K] = unread;
  byte bestStamp[K];           /* the newest record it heard of, and whether others differ */
  byte bestValue[K];
  bool differ[K];
  byte value[K];               /* of its last write, or what it read */
  byte pending[K];             /* puts that it has not acknowledged */
#ifdef CONFIRMED_EARLIER
  unsigned confirms : 4;
#endif
}

/* A write under way: any member that did not get it yet may still get it. */
typedef Write {
  unsigned ballot : 2;         /* 0: none */
  unsigned key : 1;
  byte stamp;
  unsigned value : 2;
  unsigned acks : 4;
  unsigned floor : 2;          /* version that clients knew of when it began */
  bool merge;
  bool done
}

/* A proposal of the view after `epoch`; the number of it is its ballot (single-decree Paxos). */
typedef Change {
  unsigned epoch : 2;          /* 0: none */
  unsigned members : 4;
  unsigned promises : 4;
  unsigned best : 2;           /* highest ballot of an accepted proposal that it has heard of */
  byte accepts
}

Replica r[N];
Proposer p[BALLOTS + 1];
Write w[WRITES];
Change c[CHANGES + 1];
byte view[EPOCHS + 1]; /* what was decided; 0: nothing yet */
byte ballots, writes, puts, changes, losses;

/* Values are numbered as they are made, 0 is none; each knows the one that it replaces. */
byte version[PUTS + 1];
byte base[PUTS + 1];
/* What clients have seen of each key: the value of each version, and the highest. */
typedef Versions { byte at[PUTS + 1] }
Versions seen[K];
byte latest[K];

/* Scratch of one step: no part of the state, as "hidden" says. */
#ifdef SHORTEST
byte b, i, k, m, n, x;
#else
hidden byte b, i, k, m, n, x;
#endif

/* A record's age: (epoch, ballot, count) in lexicographic order. */
#define STAMP(epoch, ballot, count) ((epoch) * 64 + (ballot) * 16 + (count))

/* Whether a replica answers proposers of view e. */
#ifdef ANSWERS_SEALED
#define ACTIVE(i, e) (r[i].epoch == (e) && !r[i].lost)
#elif defined(MIXED_EPOCHS)
#define ACTIVE(i, e) (r[i].epoch >= (e) && !r[i].sealed && !r[i].lost)
#else
#define ACTIVE(i, e) (r[i].epoch == (e) && !r[i].sealed && !r[i].lost)
#endif

/* ---- what clients see ------------------------------------------------------------------------ */

/* A client learns of a value, and with it of all that it replaced: nobody may have seen others. */
inline observe(kk, vv) {
  x = vv;
  latest[kk] = (version[x] > latest[kk] -> version[x] : latest[kk]);
  do
  :: x == 0 -> break
  :: else ->
    assert(seen[kk].at[version[x]] == 0 || seen[kk].at[version[x]] == x);
    seen[kk].at[version[x]] = x;
    x = base[x]
  od
}

/* A proposer sends a write to the members of its view. */
inline issue(bb, kk, vv, mm) {
  p[bb].count++;
  w[writes].ballot = bb;
  w[writes].key = kk;
  w[writes].stamp = STAMP(p[bb].epoch, bb, p[bb].count);
  w[writes].value = vv;
  w[writes].floor = latest[kk];
  w[writes].merge = mm;
  writes++
}

/* What clients know of is held by somebody, in this version or a later one. */
inline checkHeld() {
  for (k : 0 .. K - 1) {
    x = 0;
    for (m : 0 .. N - 1) { x = (version[r[m].value[k]] >= latest[k] -> 1 : x) }
    assert(x == 1)
  }
}

inline wipe(dd) {
  r[dd].epoch = 0; r[dd].sealed = false; r[dd].promised = 0;
  for (k : 0 .. K - 1) { r[dd].stamp[k] = 0; r[dd].value[k] = 0 }
  r[dd].changePromised = 0; r[dd].changeAccepted = 0; r[dd].changeValue = 0;
  r[dd].target = 0; r[dd].heard = 0
}

/* ---- fewer states for the same behaviour ----------------------------------------------------- */

/* Replicas 0 and 1 differ only in what was done to them: whatever is done is done to 0 first. */
#define TOUCHED (r[0].sealed || r[0].promised != 0 || r[0].changePromised != 0 || \
  r[0].lost || r[0].epoch != 1)
#define FAIR(d) ((d) != 1 || TOUCHED)

/* Whether the view after e is decided: a majority of e is sealed. */
#define OVER(e) ((e) < EPOCHS && view[(e) + 1] != 0)

/*
 * Nothing comes of a proposer that a majority has left behind, so all of them become alike. Where
 * gets go unconfirmed something does.
 */
#if defined(UNCONFIRMED) || defined(CONFIRMED_EARLIER)
#define FORGETS(bb) false
#else
#define FORGETS(bb) (!p[bb].over)
#endif
inline forget(bb) {
  p[bb].promises = 0; p[bb].count = 0;
  for (k : 0 .. K - 1) {
    p[bb].key[k] = unread; p[bb].bestStamp[k] = 0; p[bb].bestValue[k] = 0;
    p[bb].differ[k] = false; p[bb].value[k] = 0; p[bb].pending[k] = 0
  }
  p[bb].over = true
}
inline forgetLeftBehind(aa) {
  for (b : 1 .. BALLOTS) {
    if
    :: b < aa && p[b].epoch == p[aa].epoch && FORGETS(b) ->
      x = 0;
      for (m : 0 .. N - 1) {
        x = (r[m].epoch == p[b].epoch && r[m].promised > b -> x | BIT(m) : x)
      }
      if
      :: MAJORITY(x, view[p[b].epoch]) -> forget(b)
      :: else -> skip
      fi
    :: else -> skip
    fi
  }
}

/* Nor of a write that nobody can accept any more, unless a majority has and nobody knows. */
inline forgetWrites() {
  for (b : 0 .. WRITES - 1) {
    if
    :: w[b].ballot != 0 && (w[b].done || !MAJORITY(w[b].acks, view[p[w[b].ballot].epoch])) ->
      x = 0;
      for (m : 0 .. N - 1) {
        x = (ACTIVE(m, p[w[b].ballot].epoch) && (view[p[w[b].ballot].epoch] & BIT(m)) -> 1 : x)
      }
      if
      :: x == 0 ->
        w[b].ballot = 0; w[b].key = 0; w[b].stamp = 0; w[b].value = 0; w[b].acks = 0;
        w[b].floor = 0; w[b].merge = false; w[b].done = false
      :: else -> skip
      fi
    :: else -> skip
    fi
  }
}

/* ---- steps: CAN_ is when one may happen ------------------------------------------------------ */

/*
 * A replica promises a ballot, and tells its records with the promise. The first promise begins
 * it. Telling them later, as the code does, shows nothing else: a replica that still has this as
 * its highest promise has accepted nothing since.
 */
#define CAN_PROMISE(a, d) (a <= ballots + 1 && r[d].epoch != 0 && ACTIVE(d, r[d].epoch) && \
  !OVER(r[d].epoch) && (a > ballots || p[a].epoch == r[d].epoch) && \
  r[d].promised < a && FAIR(d))
inline promise(a, d) {
  if
  :: a > ballots -> ballots++; p[a].epoch = r[d].epoch
  :: else -> skip
  fi;
  r[d].promised = a;
  if
  :: p[a].key[0] == unread && !(p[a].promises & BIT(d)) && !p[a].over ->
    for (k : 0 .. K - 1) { hear(a, d, k) };
    p[a].promises = p[a].promises | BIT(d);
    if
    :: MAJORITY(p[a].promises, view[p[a].epoch]) ->
      for (k : 0 .. K - 1) { settle(a, k) };
      p[a].promises = 0
    :: else -> skip
    fi
  :: else -> skip
  fi;
  forgetLeftBehind(a)
}
inline hear(a, d, e) {
  if
  :: p[a].promises != 0 && r[d].stamp[e] != p[a].bestStamp[e] -> p[a].differ[e] = true
  :: else -> skip
  fi;
  if
  :: r[d].stamp[e] >= p[a].bestStamp[e] ->
    p[a].bestStamp[e] = r[d].stamp[e]; p[a].bestValue[e] = r[d].value[e]
  :: else -> skip
  fi
}
/*
 * A majority has told: where all hold the same record it is known, else it is written again. So is
 * a record of an earlier view unless every member has it: a majority may have gathered it that
 * never accepted it, and somebody may hold a newer one that came to nothing.
 */
inline settle(a, e) {
  p[a].value[e] = p[a].bestValue[e];
  if
  :: p[a].bestStamp[e] != 0 && p[a].bestStamp[e] < STAMP(p[a].epoch, 0, 0) ->
    for (m : 0 .. N - 1) {
      p[a].differ[e] = ((view[p[a].epoch] & BIT(m)) &&
        (r[m].epoch != p[a].epoch || r[m].stamp[e] != p[a].bestStamp[e]) ->
        true : p[a].differ[e])
    }
  :: else -> skip
  fi;
#ifdef NO_MERGE
  p[a].key[e] = known;
#else
  if
  :: !p[a].differ[e] -> p[a].key[e] = known
  :: else -> p[a].key[e] = merging; m = p[a].bestValue[e]; issue(a, e, m, true)
  fi;
#endif
  p[a].bestStamp[e] = 0; p[a].bestValue[e] = 0; p[a].differ[e] = false
}

/* The first key that is written may be called 0. */
#ifdef APART
#define MAY_PUT(e) ((e) == puts)
#else
#define MAY_PUT(e) ((e) == 0 || puts != 0)
#endif
#define CAN_PUT(a, e) (puts < PUTS && p[a].key[e] == known && MAY_PUT(e))
inline put(a, e) {
  puts++;
  base[puts] = p[a].value[e]; version[puts] = version[p[a].value[e]] + 1;
  p[a].value[e] = puts; p[a].pending[e]++;
  issue(a, e, puts, false)
}

/* A write may overtake another, and may still come when it was acknowledged long ago. */
#ifdef NON_MEMBERS
#define MEMBER(d, e) true
#define TAKES(d, e) (ACTIVE(d, e) || (!(view[e] & BIT(d)) && !r[d].lost))
#define QUORUM(set, e) (2 * COUNT(set) > COUNT(view[e]))
#else
#define MEMBER(d, e) (view[e] & BIT(d))
#define TAKES(d, e) ACTIVE(d, e)
#define QUORUM(set, e) MAJORITY(set, view[e])
#endif
#define CAN_ACCEPT(i, d) (w[i].ballot != 0 && \
  MEMBER(d, p[w[i].ballot].epoch) && TAKES(d, p[w[i].ballot].epoch) && \
  r[d].promised <= w[i].ballot && FAIR(d) && (r[d].promised < w[i].ballot || \
  w[i].stamp > r[d].stamp[w[i].key] || (!w[i].done && !(w[i].acks & BIT(d)))))
inline accept(i, d) {
  r[d].promised = w[i].ballot;
  k = w[i].key;
#ifdef OLDER_APPLIES
  r[d].stamp[k] = w[i].stamp; r[d].value[k] = w[i].value;
#else
  if
  :: w[i].stamp > r[d].stamp[k] -> r[d].stamp[k] = w[i].stamp; r[d].value[k] = w[i].value
  :: else -> skip
  fi;
#endif
  w[i].acks = (w[i].done -> 0 : w[i].acks | BIT(d));
  n = w[i].ballot; forgetLeftBehind(n)
}

#define CAN_ACKNOWLEDGE(i) (w[i].ballot != 0 && !w[i].done && \
  QUORUM(w[i].acks, p[w[i].ballot].epoch))
inline acknowledge(i) {
  k = w[i].key; b = w[i].ballot;
  w[i].done = true; w[i].acks = 0;
  if
  :: w[i].merge -> p[b].key[k] = (p[b].over -> unread : known)
  :: else ->
    p[b].pending[k] = (p[b].over -> 0 : p[b].pending[k] - 1);
    assert(version[w[i].value] > w[i].floor);
    w[i].floor = 0;
    m = w[i].value; observe(k, m)
  fi;
  forgetWrites()
}

#ifdef READS_UNCOMMITTED
#define SETTLED(a, k) true
#else
#define SETTLED(a, k) (p[a].pending[k] == 0)
#endif

/*
 * A get in one step: what confirms it can only cease to be so, and a get that one replica after
 * the other confirmed could have been confirmed by all of them when it began.
 */
#define CONFIRMS(a, d) (ACTIVE(d, p[a].epoch) && r[d].promised == a -> BIT(d) : 0)
#ifdef UNCONFIRMED
#define CONFIRMED(a) true
#elif defined(CONFIRMED_EARLIER)
#define CONFIRMED(a) MAJORITY(p[a].confirms, view[p[a].epoch])
#define CAN_CONFIRM(a, d) (!(p[a].confirms & BIT(d)) && CONFIRMS(a, d))
inline confirm(a, d) { p[a].confirms = p[a].confirms | BIT(d) }
#else
#define CONFIRMED(a) MAJORITY(CONFIRMS(a, 0) | CONFIRMS(a, 1) | CONFIRMS(a, 2) | \
  CONFIRMS(a, 3), view[p[a].epoch])
#endif
#define NEWS(k, v) (latest[k] != version[v] || ((v) != 0 && seen[k].at[version[v]] != (v)))
#define CAN_GET(a, e) (p[a].key[e] == known && SETTLED(a, e) && NEWS(e, p[a].value[e]) && \
  CONFIRMED(a))
inline get(a, e) {
  m = p[a].value[e];
  assert(version[m] >= latest[e]);
  observe(e, m)
}

/* A change with the lowest ballot needs no promises: nobody can have accepted another. */
#define FIRST(j) ((j) == 1 || c[1].epoch != c[j].epoch)
#ifdef EAGER_VOTE
#define VOTES(j, d) (c[j].epoch != 0 && (view[c[j].epoch] & BIT(d)) && !r[d].lost && \
  r[d].epoch <= c[j].epoch)
#else
#define VOTES(j, d) (c[j].epoch != 0 && (view[c[j].epoch] & BIT(d)) && !r[d].lost && \
  r[d].epoch == c[j].epoch)
#endif
#define CAN_PREPARE(j, d) (j <= changes && !FIRST(j) && VOTES(j, d) && \
  !MAJORITY(c[j].promises, view[c[j].epoch]) && \
  r[d].changePromised < j && FAIR(d))
inline prepare(j, d) {
  if
  :: FIRST(j) -> skip
  :: else ->
    r[d].changePromised = j;
    c[j].promises = c[j].promises | BIT(d);
#ifndef FRESH_PROPOSAL
    if
    :: r[d].changeAccepted > c[j].best ->
      c[j].best = r[d].changeAccepted;
      c[j].members = r[d].changeValue
    :: else -> skip
    fi;
#endif
    skip
  fi
}
/* A change begins with its first promise. The first node to be replaced may be called 2. */
#ifdef SEQUENTIAL
#define MAY_BEGIN(d) (r[d].epoch == changes + 1)
#else
#define MAY_BEGIN(d) (changes < CHANGES)
#endif
#define CAN_BEGIN(d) (MAY_BEGIN(d) && r[d].epoch != 0 && r[d].epoch < EPOCHS && \
  !r[d].lost && !OVER(r[d].epoch) && r[d].changePromised < changes + 1 && FAIR(d))
#define CAN_REPLACE(d, out, new) (CAN_BEGIN(d) && (view[r[d].epoch] & BIT(out)) && \
  !(view[r[d].epoch] & BIT(new)) && !r[new].lost && (changes != 0 || out == 2))
inline replace(d, out, new) {
  changes++; c[changes].epoch = r[d].epoch;
  c[changes].members = (view[r[d].epoch] & ~BIT(out)) | BIT(new);
  n = changes; prepare(n, d)
}
#define CAN_KEEP(d) CAN_BEGIN(d)
inline keep(d) {
  changes++; c[changes].epoch = r[d].epoch; c[changes].members = view[r[d].epoch];
  n = changes; prepare(n, d)
}

/* Accepting any proposal seals the view that it would replace. */
#define CAN_SEAL(j, d) (j <= changes && !(c[j].accepts & BIT(d)) && VOTES(j, d) && \
  (FIRST(j) || MAJORITY(c[j].promises, view[c[j].epoch])) && \
  r[d].changePromised <= j && FAIR(d))
inline closeReplica(dd) {
  r[dd].sealed = true;
#ifndef ANSWERS_SEALED
  r[dd].promised = 0;
#endif
  forgetWrites()
}
inline seal(j, d) {
  r[d].changePromised = j; r[d].changeAccepted = j; r[d].changeValue = c[j].members;
#ifdef EAGER_VOTE
  r[d].epoch = c[j].epoch;
#endif
  closeReplica(d);
  c[j].accepts = c[j].accepts | BIT(d);
  n = c[j].epoch;
  if
  :: MAJORITY(c[j].accepts, view[n]) ->
    assert(view[n + 1] == 0 || view[n + 1] == c[j].members);
    view[n + 1] = c[j].members;
    for (b : 1 .. BALLOTS) {
      if
      :: p[b].epoch == n && FORGETS(b) -> forget(b)
      :: else -> skip
      fi
    }
#ifndef FRESH_PROPOSAL
    /* The change is over, and so are those that lost to it. */
    for (b : 1 .. CHANGES) {
      if
      :: c[b].epoch == n ->
        c[b].epoch = 0; c[b].members = 0; c[b].promises = 0; c[b].best = 0; c[b].accepts = 0
      :: else -> skip
      fi
    }
    for (m : 0 .. N - 1) {
      if
      :: r[m].epoch == n ->
        r[m].changePromised = 0; r[m].changeAccepted = 0; r[m].changeValue = 0
      :: else -> skip
      fi
    }
#endif
  :: else -> skip
  fi
}

/*
 * A member of the next view gathers the records of a majority of the one before, and keeps the
 * newest of each key; what it has itself counts only if it was active in the one before. Whoever is
 * asked learns of the decision, and seals itself if it has not yet.
 */
#ifdef ONE_SOURCE
#define ENOUGH(d, e) true
#else
#define ENOUGH(d, e) MAJORITY(r[d].heard, view[e - 1])
#endif
#define GIVES(i, e) ((view[e - 1] & BIT(i)) && !r[i].lost && \
  (r[i].epoch == e - 1 || r[i].epoch == e) && FAIR(i))
#define NEEDS(d, e) (view[e] != 0 && (view[e] & BIT(d)) && r[d].epoch < e && !r[d].lost && \
  FAIR(d))
#define CAN_GATHER(d, i, e) (NEEDS(d, e) && GIVES(i, e) && \
  (r[d].target != e || !(r[d].heard & BIT(i))))
inline take(d, i, e) {
#ifndef UNSEALED_SOURCE
  if
  :: r[i].epoch == e - 1 && !r[i].sealed -> closeReplica(i)
  :: else -> skip
  fi;
#endif
  for (k : 0 .. K - 1) {
    if
    :: r[i].stamp[k] > r[d].stamp[k] ->
      r[d].stamp[k] = r[i].stamp[k]; r[d].value[k] = r[i].value[k]
    :: else -> skip
    fi
  }
}
inline discount(d, e) {
  if
  :: r[d].epoch != e - 1 -> for (k : 0 .. K - 1) { r[d].stamp[k] = 0; r[d].value[k] = 0 }
  :: else -> skip
  fi
}
inline activate(d, e) {
  r[d].epoch = e; r[d].sealed = false; r[d].promised = 0;
  r[d].changePromised = 0; r[d].changeAccepted = 0; r[d].changeValue = 0;
  r[d].target = 0; r[d].heard = 0;
  forgetWrites()
}
inline gather(d, i, e) {
  if
  :: r[d].target != e -> r[d].heard = 0; r[d].target = e; discount(d, e)
  :: else -> skip
  fi;
  r[d].heard = r[d].heard | BIT(i);
  take(d, i, e);
  if
  :: ENOUGH(d, e) -> activate(d, e)
  :: else -> skip
  fi
}
/* From two of three at once. */
#define CAN_GATHER2(d, i, j, e) (NEEDS(d, e) && GIVES(i, e) && GIVES(j, e))
inline gather2(d, i, j, e) { discount(d, e); take(d, i, e); take(d, j, e); activate(d, e) }

/* From one that is active in it already: that one has all of the view before. */
#define CAN_GATHER_ACTIVE(d, i, e) (NEEDS(d, e) && (view[e] & BIT(i)) && r[i].epoch == (e) && \
  !r[i].sealed && !r[i].lost && FAIR(i))
inline gatherActive(d, i, e) { discount(d, e); take(d, i, e); activate(d, e) }

/* Who is no member of a later view deletes its records once all members of that have theirs. */
#ifdef EARLY_RETIRE
#define ALL_ACTIVE(e) true
#else
#define DONE(m, e) (!(view[e] & BIT(m)) || r[m].epoch >= e)
#define ALL_ACTIVE(e) (DONE(0, e) && DONE(1, e) && DONE(2, e) && DONE(3, e))
#endif
#define CAN_RETIRE(d, e) (view[e] != 0 && r[d].epoch != 0 && r[d].epoch < (e) && \
  !(view[e] & BIT(d)) && \
  !r[d].lost && ALL_ACTIVE(e))

#define CAN_LOSE(d) (FAIR(d) && losses < LOSSES && r[d].epoch != 0 && !r[d].lost)
inline lose(d) {
  losses++;
#ifdef REBORN
  n = r[d].epoch; wipe(d); r[d].epoch = n
#else
  wipe(d); r[d].lost = true;
  forgetWrites();
  checkHeld()
#endif
}

/* Anti-entropy: an active replica takes a newer record from another. */
#define CAN_REPAIR(i, d, e) (r[i].epoch != 0 && r[i].epoch == r[d].epoch && !r[i].sealed && \
  !r[d].sealed && !r[i].lost && !r[d].lost && r[i].stamp[e] > r[d].stamp[e])
inline repair(i, d, e) { r[d].stamp[e] = r[i].stamp[e]; r[d].value[e] = r[i].value[e] }

/* ---- all steps, for everybody ---------------------------------------------------------------- */

#ifdef SHOW
#define STEP(guard, action) :: d_step { guard -> printf(#action); action; display() }
inline display() {
  printf("\t");
  for (m : 0 .. N - 1) {
    printf(" %d:%d", m, r[m].epoch);
    if
    :: r[m].lost -> printf(" lost")
    :: r[m].sealed && !r[m].lost -> printf(" sealed")
    :: else -> printf(" <%d", r[m].promised)
    fi;
    for (k : 0 .. K - 1) { printf(" %d@%d", r[m].value[k], r[m].stamp[k]) }
    printf(";")
  };
  printf("\n")
}
#else
#define STEP(guard, action) :: d_step { guard -> action; skip }
#endif

#define NODES(X, a) X(a, 0) X(a, 1) X(a, 2) X(a, 3)
#if BALLOTS == 1
#define BALLOT(X) X(1)
#define BALLOT_(X, y) X(1, y)
#elif BALLOTS == 2
#define BALLOT(X) X(1) X(2)
#define BALLOT_(X, y) X(1, y) X(2, y)
#else
#define BALLOT(X) X(1) X(2) X(3)
#define BALLOT_(X, y) X(1, y) X(2, y) X(3, y)
#endif
#define BALLOT_NODE(X) BALLOT_(X, 0) BALLOT_(X, 1) BALLOT_(X, 2) BALLOT_(X, 3)
#if K == 1
#define KEYS(X, a) X(a, 0)
#define KEYS2(X, a, d) X(a, d, 0)
#else
#define KEYS(X, a) X(a, 0) X(a, 1)
#define KEYS2(X, a, d) X(a, d, 0) X(a, d, 1)
#endif
#if WRITES == 1
#define WRITE(X) X(0)
#elif WRITES == 2
#define WRITE(X) X(0) X(1)
#elif WRITES == 3
#define WRITE(X) X(0) X(1) X(2)
#elif WRITES == 4
#define WRITE(X) X(0) X(1) X(2) X(3)
#elif WRITES == 5
#define WRITE(X) X(0) X(1) X(2) X(3) X(4)
#else
#define WRITE(X) X(0) X(1) X(2) X(3) X(4) X(5)
#endif
#if EPOCHS == 1
#define NEW(X)
#elif EPOCHS == 2
#define NEW(X) X(2)
#else
#define NEW(X) X(2) X(3)
#endif
#if CHANGES == 0
#define CHANGE(X)
#elif CHANGES == 1
#define CHANGE(X) X(1)
#else
#define CHANGE(X) X(1) X(2)
#endif


#define PROMISE(a, d) STEP(CAN_PROMISE(a, d), promise(a, d))
#define PUT(a, e) STEP(CAN_PUT(a, e), put(a, e))
#define PUTS_(a) KEYS(PUT, a)
#define ACCEPT(i, d) STEP(CAN_ACCEPT(i, d), accept(i, d))
#define ACCEPTS(i) NODES(ACCEPT, i)
#define ACKNOWLEDGE(i) STEP(CAN_ACKNOWLEDGE(i), acknowledge(i))
#define GET(a, e) STEP(CAN_GET(a, e), get(a, e))
#define GETS(a) KEYS(GET, a)
#define CONFIRM(a, d) STEP(CAN_CONFIRM(a, d), confirm(a, d))
#define REPLACE(d, out, new) STEP(CAN_REPLACE(d, out, new), replace(d, out, new))
#define REPLACE1(d, out) REPLACE(d, out, (out + 1) % 4) REPLACE(d, out, (out + 2) % 4) \
  REPLACE(d, out, (out + 3) % 4)
#define REPLACES(a, d) REPLACE1(d, 0) REPLACE1(d, 1) REPLACE1(d, 2) REPLACE1(d, 3)
#define KEEP(a, d) STEP(CAN_KEEP(d), keep(d))
#define PREPARE(j, d) STEP(CAN_PREPARE(j, d), prepare(j, d))
#define PREPARES(j) NODES(PREPARE, j)
#define SEAL(j, d) STEP(CAN_SEAL(j, d), seal(j, d))
#define SEALS(j) NODES(SEAL, j)
#if defined(STEPWISE) || defined(ONE_SOURCE)
#define GATHER(d, i, e) STEP(CAN_GATHER(d, i, e), gather(d, i, e))
#define GATHER1(e, d) GATHER(d, 0, e) GATHER(d, 1, e) GATHER(d, 2, e) GATHER(d, 3, e)
#else
#define GATHER(d, i, j, e) STEP(CAN_GATHER2(d, i, j, e), gather2(d, i, j, e))
#define GATHER1(e, d) GATHER(d, 0, 1, e) GATHER(d, 0, 2, e) GATHER(d, 0, 3, e) \
  GATHER(d, 1, 2, e) GATHER(d, 1, 3, e) GATHER(d, 2, 3, e)
#endif
#define GATHERS(e) NODES(GATHER1, e)
#define ACTIVE_GATHER(d, i, e) STEP(CAN_GATHER_ACTIVE(d, i, e), gatherActive(d, i, e))
#define ACTIVE_GATHER1(e, d) ACTIVE_GATHER(d, 0, e) ACTIVE_GATHER(d, 1, e) \
  ACTIVE_GATHER(d, 2, e) ACTIVE_GATHER(d, 3, e)
#define ACTIVE_GATHERS(e) NODES(ACTIVE_GATHER1, e)
#define RETIRE(e, d) STEP(CAN_RETIRE(d, e), wipe(d); checkHeld())
#define RETIRES(e) NODES(RETIRE, e)
#define LOSE(a, d) STEP(CAN_LOSE(d), lose(d))
#define FORGET(a, d) STEP(r[d].promised != 0, r[d].promised = 0)
#define REPAIRK(i, d, e) STEP(CAN_REPAIR(i, d, e), repair(i, d, e))
#define REPAIR1(i, d) KEYS2(REPAIRK, i, d)
#define REPAIRS(i) NODES(REPAIR1, i)

active proctype partition() {
  d_step {
    view[1] = VIEW;
    for (i : 0 .. N - 1) { r[i].epoch = ((VIEW & BIT(i)) -> 1 : 0) }
  }
  do
  BALLOT_NODE(PROMISE)
  BALLOT(PUTS_)
  WRITE(ACCEPTS)
  WRITE(ACKNOWLEDGE)
  BALLOT(GETS)
#ifdef CONFIRMED_EARLIER
  BALLOT_NODE(CONFIRM)
#endif
#if CHANGES > 0
  NODES(REPLACES, 0)
#ifdef KEEPING
  NODES(KEEP, 0)
#endif
#endif
  CHANGE(PREPARES)
  CHANGE(SEALS)
  NEW(GATHERS)
  NEW(ACTIVE_GATHERS)
#ifndef NO_RETIRE
  NEW(RETIRES)
#endif
  NODES(LOSE, 0)
#ifdef FORGETFUL
  NODES(FORGET, 0)
#endif
#ifdef REPAIR
  REPAIRS(0) REPAIRS(1) REPAIRS(2) REPAIRS(3)
#endif
  :: timeout -> break
  od
}

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * Curator at the other end of a pipe: one line of JSON per request and per answer, flat objects of strings. Every party
 * ("who") has a session and a thread of its own, for Curator's locks belong to threads. Ends with its standard input.
 *
 * <p>Arguments: the connect string, the session timeout in milliseconds.
 */
public final class CuratorPeer {
  private static final Pattern FIELD = Pattern.compile("\"(\\w+)\":\"([^\"\\\\]*)\"");

  private final CuratorFramework client;
  private final String who;
  private final Map<String, InterProcessMutex> mutexes = new HashMap<>();
  private final Map<String, InterProcessReadWriteLock> readWriteLocks = new HashMap<>();
  private final Map<String, Collection<Lease>> permits = new HashMap<>();
  private final Map<String, LeaderLatch> latches = new HashMap<>();
  private final Map<String, DistributedDoubleBarrier> doubleBarriers = new HashMap<>();

  private CuratorPeer(String who, String connectString, int sessionTimeoutMs) {
    this.who = who;
    client =
        CuratorFrameworkFactory.newClient(
            connectString, sessionTimeoutMs, sessionTimeoutMs, new ExponentialBackoffRetry(100, 8));
    client.start();
  }

  public static void main(String[] args) throws IOException {
    Map<String, CuratorPeer> parties = new HashMap<>();
    Map<String, ExecutorService> threads = new HashMap<>();
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = requests.readLine()) != null; ) {
      Map<String, String> request = fieldsOf(line);
      String who = request.get("who");
      // To close does not wait: it ends what its party waits for.
      boolean closing = "close".equals(request.get("do"));
      String turn = closing ? who + ", closing" : who;
      ExecutorService thread = threads.computeIfAbsent(turn, each -> Executors.newSingleThreadExecutor());
      thread.execute(
          () -> {
            try {
              CuratorPeer party;
              synchronized (parties) {
                party = parties.computeIfAbsent(who, each -> new CuratorPeer(who, args[0], Integer.parseInt(args[1])));
              }
              say("answer", request.get("id"), "value", party.answer(request));
            } catch (Exception | LinkageError failure) {
              say("answer", request.get("id"), "error", failure.toString());
            }
          });
    }
    Runtime.getRuntime().halt(0);
  }

  private String answer(Map<String, String> request) throws Exception {
    String path = request.get("path");
    int count = Integer.parseInt(request.getOrDefault("count", "1"));
    switch (request.get("do")) {
      case "open":
        client.blockUntilConnected();
        return Long.toHexString(client.getZookeeperClient().getZooKeeper().getSessionId());
      case "close":
        client.close();
        return "";

      case "lock":
        return acquired(mutex(path));
      case "lock revocably":
        mutex(path).makeRevocable(lock -> say("news", "asked to give up", "who", who));
        return acquired(mutex(path));
      case "unlock":
        mutex(path).release();
        return "";
      case "say whether it holds":
        return Boolean.toString(mutex(path).isAcquiredInThisProcess());
      case "ask to give up":
        Revoker.attemptRevoke(client, path);
        return "";

      case "lock to read":
        return acquired(readWriteLock(path).readLock());
      case "unlock reading":
        readWriteLock(path).readLock().release();
        return "";
      case "lock to write":
        return acquired(readWriteLock(path).writeLock());
      case "unlock writing":
        readWriteLock(path).writeLock().release();
        return "";

      case "take permits":
        permits.put(path, new InterProcessSemaphoreV2(client, path, Integer.parseInt(request.get("size"))).acquire(count));
        return "";
      case "give permits back":
        for (Lease lease : permits.remove(path)) lease.close();
        return "";

      case "stand for election":
        latches.put(path, latch(path));
        return "";
      case "name the leader":
        return latches.get(path).getLeader().getId();
      case "resign":
        latches.remove(path).close();
        return "";

      case "raise":
        new DistributedBarrier(client, path).setBarrier();
        return "";
      case "lower":
        new DistributedBarrier(client, path).removeBarrier();
        return "";
      case "wait at barrier":
        return Boolean.toString(new DistributedBarrier(client, path).waitOnBarrier(count, TimeUnit.MILLISECONDS));
      case "enter":
        doubleBarriers.put(path, new DistributedDoubleBarrier(client, path, count));
        return Boolean.toString(doubleBarriers.get(path).enter(60, TimeUnit.SECONDS));
      case "leave":
        return Boolean.toString(doubleBarriers.remove(path).leave(60, TimeUnit.SECONDS));

      case "read number":
        return new String(client.getData().forPath(path), StandardCharsets.UTF_8);
      case "write number":
        client.setData().forPath(path, Integer.toString(count).getBytes(StandardCharsets.UTF_8));
        return "";
      default:
        throw new IllegalArgumentException(request.toString());
    }
  }

  private InterProcessMutex mutex(String path) {
    return mutexes.computeIfAbsent(path, each -> new InterProcessMutex(client, path));
  }

  private InterProcessReadWriteLock readWriteLock(String path) {
    return readWriteLocks.computeIfAbsent(path, each -> new InterProcessReadWriteLock(client, path));
  }

  /** Acquires, and returns the claim's path, which Curator shows to subclasses only. */
  private static String acquired(InterProcessMutex lock) throws Exception {
    lock.acquire();
    Method claimPath = InterProcessMutex.class.getDeclaredMethod("getLockPath");
    claimPath.setAccessible(true);
    return (String) claimPath.invoke(lock);
  }

  private LeaderLatch latch(String path) throws Exception {
    LeaderLatch latch = new LeaderLatch(client, path, who);
    latch.addListener(
        new LeaderLatchListener() {
          @Override
          public void isLeader() {
            say("news", "leads", "who", who);
          }

          @Override
          public void notLeader() {
            say("news", "leads no more", "who", who);
          }
        });
    latch.start();
    return latch;
  }

  private static Map<String, String> fieldsOf(String line) {
    Map<String, String> fields = new HashMap<>();
    for (Matcher field = FIELD.matcher(line); field.find(); ) fields.put(field.group(1), field.group(2));
    return fields;
  }

  /** Names and values in turn; values of null are left out. */
  private static void say(String... parts) {
    StringBuilder line = new StringBuilder();
    for (int at = 0; at < parts.length; at += 2) {
      if (parts[at + 1] == null) continue;
      String value = parts[at + 1].replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
      line.append(at == 0 ? "{" : ",").append('"').append(parts[at]).append("\":\"").append(value).append('"');
    }
    synchronized (System.out) {
      System.out.println(line.append('}'));
      System.out.flush();
    }
  }
}

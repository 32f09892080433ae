import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Contends with Curator's InterProcessMutex, as contest.ts asks: see there. */
public class CuratorContestant {
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final long holdMs;
  private final boolean samePath;
  private final boolean alone;
  private final long startNanos = System.nanoTime();
  private final long endNanos;
  private long[] times = new long[1024];
  private int timed;
  private int granted;
  private int all;
  private int holders;
  private long releasedNanos;
  private long lastNanos = startNanos;

  private CuratorContestant(String asked, boolean alone, double seconds) {
    holdMs = (long) Double.parseDouble(field(asked, "holdMs"));
    samePath = field(asked, "paths").equals("same");
    this.alone = alone;
    endNanos = startNanos + (long) (seconds * 1e9);
  }

  private void contend(InterProcessMutex lock) throws Exception {
    while (true) {
      long asking = System.nanoTime();
      lock.acquire();
      noteHeld(asking, System.nanoTime());
      if (holdMs > 0) Thread.sleep(holdMs);
      noteRelease();
      lock.release();
      long done = System.nanoTime();
      if (alone) noteCycle(done, done - asking);
      if (done >= endNanos) return;
    }
  }

  private synchronized void noteHeld(long asking, long held) {
    all += 1;
    holders += 1;
    if (samePath && holders != 1) throw new IllegalStateException("two hold at once");
    if (alone || held > endNanos) return;
    granted += 1;
    lastNanos = held;
    if (!samePath) time(held - asking);
    else if (releasedNanos != 0) time(held - releasedNanos);
  }

  private synchronized void noteRelease() {
    releasedNanos = System.nanoTime();
    holders -= 1;
  }

  private synchronized void noteCycle(long done, long nanos) {
    granted += 1;
    lastNanos = done;
    time(nanos);
  }

  private void time(long nanos) {
    if (timed == times.length) times = Arrays.copyOf(times, timed * 2);
    times[timed++] = nanos;
  }

  private double percentile(double fraction) {
    return timed == 0 ? 0 : times[Math.min(timed - 1, (int) (timed * fraction))] / 1e3;
  }

  private String told(long cpuNanos) {
    Arrays.sort(times, 0, timed);
    return String.format(
        Locale.ROOT,
        "{\"granted\":%d,\"all\":%d,\"seconds\":%.6f,\"cpuMicros\":%d,\"p50\":%.1f,\"p99\":%.1f}",
        granted, all, (lastNanos - startNanos) / 1e9, cpuNanos / 1000, percentile(0.5), percentile(0.99));
  }

  private static String field(String json, String name) {
    Matcher matcher = Pattern.compile('"' + name + "\":\"?([^\",}]*)").matcher(json);
    if (!matcher.find()) throw new IllegalArgumentException(name + " is missing in " + json);
    return matcher.group(1);
  }

  private static CuratorFramework dial(String connect) throws Exception {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(connect, 30_000, 30_000, new ExponentialBackoffRetry(1000, 3));
    client.start();
    client.blockUntilConnected();
    return client;
  }

  public static void main(String[] arguments) throws Exception {
    String asked = arguments[0];
    String connect = field(asked, "connect");
    String path = field(asked, "path");
    if (field(asked, "startUp").equals("true")) {
      new InterProcessMutex(dial(connect), path).acquire();
      System.out.println("{\"held\":true}");
      Runtime.getRuntime().halt(0);
    }
    int contenders = Integer.parseInt(field(asked, "contenders"));
    boolean eachPath = field(asked, "paths").equals("each");
    CuratorFramework one = field(asked, "sessions").equals("one") ? dial(connect) : null;
    ExecutorService diallers = Executors.newFixedThreadPool(20);
    List<Future<InterProcessMutex>> dialled = new ArrayList<>();
    for (int index = 0; index < contenders; index += 1) {
      String place = eachPath ? path + "-" + index : path;
      dialled.add(diallers.submit(() -> new InterProcessMutex(one == null ? dial(connect) : one, place)));
    }
    List<InterProcessMutex> locks = new ArrayList<>();
    for (Future<InterProcessMutex> lock : dialled) locks.add(lock.get());
    diallers.shutdown();
    ExecutorService workers =
        Executors.newFixedThreadPool(contenders, (body) -> new Thread(null, body, "contender", 256 * 1024));
    System.out.println("{\"ready\":true}");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      long cpu = PROCESS.getProcessCpuTime();
      CuratorContestant run = new CuratorContestant(asked, contenders == 1, Double.parseDouble(line));
      List<Future<?>> working = new ArrayList<>();
      for (InterProcessMutex lock : locks) {
        working.add(workers.submit(() -> {
          run.contend(lock);
          return null;
        }));
      }
      for (Future<?> each : working) each.get();
      System.out.println(run.told(PROCESS.getProcessCpuTime() - cpu));
    }
    Runtime.getRuntime().halt(0);
  }
}

import java.io.FileOutputStream;
import java.io.OutputStream;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/** Hadoop's own small cluster: a resource manager and two nodes of a core each; ends with its input. */
public final class MiniHadoop {
  private MiniHadoop() {}

  public static void main(String[] arguments) {
    try {
      serve(arguments[0]);
      System.exit(0);
    } catch (Throwable problem) {
      problem.printStackTrace();
      System.exit(1); // some of its threads would stay
    }
  }

  private static void serve(String folder) throws Exception {
    YarnConfiguration given = new YarnConfiguration();
    given.set("fs.defaultFS", "file:///");
    given.setInt("yarn.nodemanager.resource.memory-mb", 4096);
    given.setInt("yarn.nodemanager.resource.cpu-vcores", 1);
    given.setInt("yarn.scheduler.minimum-allocation-mb", 256);
    given.setBoolean("yarn.nodemanager.vmem-check-enabled", false);
    given.setBoolean("yarn.nodemanager.pmem-check-enabled", false);
    given.set("yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", "100");
    given.set("yarn.scheduler.capacity.root.queues", "default");
    given.set("yarn.scheduler.capacity.root.default.capacity", "100");
    given.set("yarn.scheduler.capacity.maximum-am-resource-percent", "1");
    MiniYARNCluster cluster = new MiniYARNCluster("gleanery", 2, 1, 1);
    cluster.init(given);
    cluster.start();
    for (String name : new String[] {"core-site.xml", "yarn-site.xml"}) {
      try (OutputStream out = new FileOutputStream(folder + "/" + name)) {
        cluster.getConfig().writeXml(out);
      }
    }
    System.out.println("READY");
    System.in.read();
  }
}

package io.sluice.agent.child;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;

/** Runs several programs in one JVM, all at once. */
public final class SideBySide {
    private SideBySide() {}

    /** Arguments: their main classes. */
    public static void main(String[] mainClasses) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (String name : mainClasses) {
            threads.add(new Thread(() -> run(name)));
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void run(String name) {
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } catch (InvocationTargetException e) {
            System.out.println(name + " failed: " + e.getCause());
        } catch (ReflectiveOperationException e) {
            System.out.println(name + " failed: " + e);
        }
    }
}

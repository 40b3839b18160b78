package io.sluice.agent.child;

import java.io.IOException;
import java.lang.management.ManagementFactory;

/** Prints its process id and lives until its standard input ends. */
public final class ReadsStandardInput {

    private ReadsStandardInput() {}

    /** Arguments: none. */
    public static void main(String[] arguments) throws IOException {
        String name = ManagementFactory.getRuntimeMXBean().getName();
        System.out.println("pid " + name.substring(0, name.indexOf('@')) + ";");
        while (System.in.read() >= 0) {
            continue;
        }
        System.out.println("end");
    }
}

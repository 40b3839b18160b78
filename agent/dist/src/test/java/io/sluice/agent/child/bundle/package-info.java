/**
 * A program that is packed into an OSGi bundle or a module of JBoss Modules, and what goes beside it.
 *
 * <p>Loaded by: the class loader of that bundle or module; may use: Apache HttpClient 4, and the API of OSGi.
 */
package io.sluice.agent.child.bundle;

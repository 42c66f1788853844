/// The release this source tree becomes.
package let rstreamVersion = "0.1.0"
